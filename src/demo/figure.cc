#include "demo/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/html.h"

namespace prefiqs::demo {
namespace {

constexpr int kColumns = 3;
constexpr double kWidth = 290, kHeight = 130, kLeft = 42, kTop = 26, kPlotWidth = 232, kPlotHeight = 76;

struct Range {
  double low = 1, high = 0;
};

// Of all series, out to whole tenths.
Range QualityRange(const DemoReport& report) {
  Range range;
  for (const DemoSeries& series : report.series) {
    for (const double quality : series.qualities) {
      if (!std::isfinite(quality)) continue;
      range.low = std::min(range.low, quality);
      range.high = std::max(range.high, quality);
    }
  }
  if (range.low > range.high) return {0, 1};
  return {std::floor(range.low * 10) / 10,
          std::max(std::ceil(range.high * 10) / 10, std::floor(range.low * 10) / 10 + 0.1)};
}

std::string Panel(const DemoSeries& series, Range range, double left, double top) {
  const auto y = [&](double quality) {
    return top + kTop + kPlotHeight * (range.high - quality) / (range.high - range.low);
  };
  const auto x = [&](std::size_t step) {
    const double steps = std::max<double>(1, static_cast<double>(series.strengths.size()) - 1);
    return left + kLeft + 8 + (kPlotWidth - 16) * static_cast<double>(step) / steps;
  };
  std::string svg = fmt::format("<text x=\"{}\" y=\"{}\" fill=\"#1b1f24\" font-weight=\"600\">{}</text>\n",
                                left + kLeft, top + 14, EscapeHtml(series.name));
  for (int i = 0; i <= 2; ++i) {
    const double quality = range.low + (range.high - range.low) * i / 2;
    svg += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#d8dde2\"/><text x=\"{3:.1f}\" "
        "y=\"{4:.1f}\" text-anchor=\"end\" fill=\"#5c6670\" font-size=\"10\">{5:.2f}</text>\n",
        left + kLeft, left + kLeft + kPlotWidth, y(quality), left + kLeft - 5, y(quality) + 4, quality);
  }
  std::string points;
  for (std::size_t i = 0; i < series.strengths.size(); ++i) {
    svg += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\" fill=\"#5c6670\" font-size=\"10\">{}</text>\n", x(i),
        top + kTop + kPlotHeight + 15, series.strengths[i]);
    if (!std::isfinite(series.qualities[i])) continue;
    points += fmt::format("{}{:.1f},{:.1f}", points.empty() ? "" : " ", x(i), y(series.qualities[i]));
    svg +=
        fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"#0b63c5\"/>\n", x(i), y(series.qualities[i]));
  }
  return svg + fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"#0b63c5\" stroke-width=\"2\"/>\n", points);
}

}  // namespace

std::string RenderFigure(const DemoReport& report) {
  const Range range = QualityRange(report);
  const auto rows = (static_cast<double>(report.series.size()) + kColumns - 1) / kColumns;
  std::string svg = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" {}", kColumns * kWidth,
                                std::floor(rows) * kHeight + 6, kFigureMark);
  for (std::size_t i = 0; i < report.series.size(); ++i) {
    svg += Panel(report.series[i], range, kWidth * static_cast<double>(i % kColumns),
                 kHeight * std::floor(static_cast<double>(i) / kColumns));
  }
  return svg + "</svg>\n";
}

}  // namespace prefiqs::demo
