// The curves, as papers print them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "eval_page/numbers.h"
#include "eval_page/page.h"

namespace prefiqs::eval_page {
namespace {

constexpr double kWidth = 960, kHeight = 430, kLeft = 66, kRight = kWidth - 14, kTop = 14, kFloor = kHeight - 50;
constexpr std::array kAreaLimits{0.2, 0.3};
// Up to where the axis makes room: what jumps later is of a few pairs, and would leave nothing for the rest.
constexpr double kCurvesCount = 0.9, kBandsCount = 0.5;
constexpr int kSteps = 20;

struct Panel {
  EdcProtocol protocol;
  std::string asked;                           // for: an FMR, or a starting error
  std::vector<const EvaluationCurve*> curves;  // by method
};

std::vector<Panel> Panels(const EvaluationReport& report) {
  std::vector<Panel> panels;
  const std::size_t of_a_method = report.curves.size() / std::max<std::size_t>(1, report.methods.size());
  for (std::size_t k = 0; k < of_a_method; ++k) {
    if (report.curves[k].points.empty()) continue;
    Panel& panel = panels.emplace_back(Panel{report.curves[k].protocol, Asked(report.curves[k]), {}});
    for (std::size_t m = 0; m < report.methods.size(); ++m) {
      panel.curves.push_back(&report.curves[m * of_a_method + k]);
    }
  }
  return panels;
}

bool IsStepped(EdcProtocol protocol) { return protocol != EdcProtocol::kPairs; }

// Protocol B looks at mated pairs alone, or non-mated ones, and has a point wherever the quality changes.
bool HasSteps(EdcProtocol protocol) { return protocol == EdcProtocol::kPairs || protocol == EdcProtocol::kImages; }
bool LosesMated(EdcProtocol protocol) { return protocol != EdcProtocol::kFalseMatches; }
bool LosesNonMated(EdcProtocol protocol) { return HasSteps(protocol) || protocol == EdcProtocol::kFalseMatches; }

std::string_view ErrorName(EdcProtocol protocol) { return LosesMated(protocol) ? "FNMR" : "FMR"; }
double ErrorOf(EdcProtocol protocol, const EvaluationPoint& p) { return LosesMated(protocol) ? p.fnmr : p.fmr; }

std::string_view WhatGoes(EdcProtocol protocol) {
  constexpr std::array<std::string_view, 5> kNames{"pairs", "mated pairs", "images", "mated pairs", "non-mated pairs"};
  return kNames[static_cast<std::size_t>(protocol)];
}

std::string_view Explained(EdcProtocol protocol) {
  constexpr std::array<std::string_view, 5> kTexts{
      "Pairs of the lowest quality are discarded, mated and non-mated alike; the threshold is found anew among what is "
      "kept.",
      "Mated pairs of the lowest quality are discarded; the threshold is that of all pairs throughout.",
      "Images of the lowest quality are discarded with all their pairs; the threshold is found anew. A curve ends "
      "where "
      "too few non-mated pairs are left.",
      "Mated pairs of the lowest quality are discarded; the threshold is that at which the stated share of all of them "
      "are false non-matches.",
      "Non-mated pairs of the lowest quality are discarded; the threshold is that at which the stated share of all of "
      "them are false matches."};
  return kTexts[static_cast<std::size_t>(protocol)];
}

// A tenth to a fifth of the axis, a round number.
double TickStep(double top) {
  const double rough = top / 8, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (rough <= step * power) return step * power;
  }
  return 10 * power;
}

// A share and what is true from there on.
struct Spot {
  double x, y;
};

// Coordinates of one chart, over shares 0 to `limit`.
class Chart {
 public:
  Chart(const Panel& panel, double limit) : panel_(panel), limit_(limit) {
    double top = 0;
    for (const EvaluationCurve* curve : panel.curves) {
      for (const EvaluationPoint& p : curve->points) {
        if (p.discarded <= std::min(limit, kCurvesCount)) top = std::max(top, ErrorOf(panel.protocol, p));
      }
      for (const EvaluationBand& b : curve->bands) {
        if (b.discarded <= std::min(limit, kBandsCount)) top = std::max(top, b.high);
      }
    }
    top_ = top > 0 ? 1.05 * top : 0.01;
  }

  std::string Draw() const {
    const bool part = limit_ < 0.5;
    return fmt::format(
               "<svg class=\"chart\" data-show=\"range={}\"{} viewBox=\"0 0 {} {}\" tabindex=\"0\" role=\"img\" "
               "aria-label=\"{} against the share of {} discarded, {}\" data-limit=\"{}\" data-top=\"{:.9g}\" "
               "data-box=\"{} {} {} {}\">\n",
               part ? "part" : "whole", part ? " hidden" : "", kWidth, kHeight, ErrorName(panel_.protocol),
               WhatGoes(panel_.protocol), StartsAtError(panel_.protocol) ? panel_.asked : "at FMR " + panel_.asked,
               limit_, top_, kLeft, kTop, kRight, kFloor) +
           Grid() + Curves() + "<g class=\"reading\"></g></svg>\n";
  }

 private:
  double X(double share) const { return kLeft + (kRight - kLeft) * share / limit_; }
  double Y(double fnmr) const { return kFloor - (kFloor - kTop) * fnmr / top_; }

  std::string Grid() const {
    std::string svg;
    const double step = TickStep(100 * top_);
    const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
    for (int i = 0; i * step <= 100 * top_; ++i) {
      const double y = Y(i * step / 100);
      svg += fmt::format(
          "<path class=\"grid\" d=\"M{} {:.1f}H{}\"/><text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:.{}f}</text>\n",
          kLeft, y, kRight, kLeft - 8, y + 4.5, i * step, decimals);
    }
    const int share_step = limit_ > 0.5 ? 10 : 5;
    for (int percent = 0; percent <= 100 * limit_ + 1e-9; percent += share_step) {
      svg += fmt::format(
          "<path class=\"axis\" d=\"M{0:.1f} {1}v5\"/><text x=\"{0:.1f}\" y=\"{2}\" "
          "text-anchor=\"middle\">{3}</text>\n",
          X(percent / 100.0), kFloor, kFloor + 20, percent);
    }
    for (const double limit : kAreaLimits) {
      if (limit >= limit_) continue;
      svg += fmt::format(
          "<path class=\"until\" d=\"M{0:.1f} {1}V{2}\"/><text class=\"note\" x=\"{3:.1f}\" y=\"{4}\">pAUC {5} "
          "%</text>\n",
          X(limit), kTop, kFloor, X(limit) + 4, kTop + 10, 100 * limit);
    }
    return svg + fmt::format(
                     "<path class=\"axis\" d=\"M{} {}V{}H{}\"/><text class=\"name\" x=\"{:.1f}\" y=\"{}\" "
                     "text-anchor=\"middle\">{} discarded (%)</text><text class=\"name\" transform=\"translate(16 "
                     "{:.1f}) rotate(-90)\" text-anchor=\"middle\">{} (%)</text>\n",
                     kLeft, kTop, kFloor, kRight, (kLeft + kRight) / 2, kHeight - 8, WhatGoes(panel_.protocol),
                     (kTop + kFloor) / 2, ErrorName(panel_.protocol));
  }

  // Within half a pixel, which is what makes thousands of points some hundreds.
  std::string Path(const std::vector<Spot>& spots) const {
    std::string path;
    double x = 0, y = 0;
    for (std::size_t i = 0; i < spots.size(); ++i) {
      const double next_x = X(spots[i].x), next_y = Y(spots[i].y);
      const bool last = i + 1 == spots.size();
      if (!path.empty() && !last && std::abs(next_x - x) < 0.5 && std::abs(next_y - y) < 0.5) continue;
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", next_x, next_y);
      x = next_x;
      y = next_y;
    }
    return path;
  }

  // A stepped curve stays where it is until the next share.
  std::vector<Spot> Spots(const std::vector<Spot>& points) const {
    if (!IsStepped(panel_.protocol)) return points;
    std::vector<Spot> spots;
    for (const Spot& p : points) {
      if (!spots.empty()) spots.push_back({p.x, spots.back().y});
      spots.push_back(p);
    }
    if (!spots.empty()) spots.push_back({std::min(1.0, spots.back().x + 1.0 / kSteps), spots.back().y});
    return spots;
  }

  std::string Curves() const {
    // A view of its own, so that nothing is drawn outside.
    std::string svg =
        fmt::format("<svg x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{3}\" viewBox=\"{0} {1} {2} {3}\">\n", kLeft,
                    kTop - 2, kRight - kLeft, kFloor - kTop + 2);
    for (std::size_t m = 0; m < panel_.curves.size(); ++m) {
      std::vector<Spot> high, low;
      for (const EvaluationBand& b : panel_.curves[m]->bands) {
        high.push_back({b.discarded, b.high});
        low.push_back({b.discarded, b.low});
      }
      if (high.empty()) continue;
      std::vector<Spot> around = Spots(high), back = Spots(low);
      around.insert(around.end(), back.rbegin(), back.rend());
      svg += fmt::format("<path class=\"band m{}\" d=\"{}Z\"/>\n", m, Path(around));
    }
    for (std::size_t m = panel_.curves.size(); m-- > 0;) {  // the first methods on top
      std::vector<Spot> points;
      for (const EvaluationPoint& p : panel_.curves[m]->points)
        points.push_back({p.discarded, ErrorOf(panel_.protocol, p)});
      svg += fmt::format("<path class=\"line m{}\" d=\"{}\"/>\n", m, Path(Spots(points)));
    }
    return svg + "</svg>\n";
  }

  const Panel& panel_;
  double limit_, top_ = 0;
};

// The last point at or before a share; null behind the end of the curve.
const EvaluationPoint* PointAt(const EvaluationCurve& curve, double share) {
  constexpr double kRounding = 1e-9;
  const EvaluationPoint* found = nullptr;
  for (const EvaluationPoint& p : curve.points) {
    if (p.discarded <= share + kRounding) found = &p;
  }
  const bool behind = share - curve.points.back().discarded > 1.0 / kSteps - kRounding;
  return behind ? nullptr : found;
}

std::string Json(double value) { return std::isfinite(value) ? fmt::format("{:.9g}", value) : std::string("null"); }

// [error, low, high, threshold, FMR, mated, non-mated]
std::string Reading(const EvaluationCurve& curve, double share) {
  if (curve.points.empty()) return "null";
  const EvaluationPoint* p = PointAt(curve, share);
  if (p == nullptr) return "null";
  double low = NAN, high = NAN;
  for (const EvaluationBand& b : curve.bands) {
    if (std::abs(b.discarded - share) < 1e-9) low = b.low, high = b.high;
  }
  const double mated = LosesMated(curve.protocol) ? static_cast<double>(p->mated) : NAN,
               non_mated = LosesNonMated(curve.protocol) ? static_cast<double>(p->non_mated) : NAN;
  return fmt::format("[{},{},{},{},{},{},{}]", Json(ErrorOf(curve.protocol, *p)), Json(low), Json(high),
                     Json(p->threshold), Json(p->fmr), Json(mated), Json(non_mated));
}

// What the script reads: numbers alone. Protocol B has a point wherever the quality changes, and is read more finely.
std::string Readings(const Panel& panel) {
  const int steps = HasSteps(panel.protocol) ? kSteps : 5 * kSteps;
  std::string text = fmt::format("{{\"steps\":{},\"methods\":[", steps);
  for (std::size_t m = 0; m < panel.curves.size(); ++m) {
    text += m == 0 ? "[" : ",[";
    for (int i = 0; i < steps; ++i) {
      if (i > 0) text += ',';
      text += Reading(*panel.curves[m], static_cast<double>(i) / steps);
    }
    text += "]";
  }
  return text + "]}";
}

// The legend, with what the curves say where the pointer is: without a script, at their beginning.
std::string Legend(const EvaluationReport& report, const Panel& panel) {
  std::string rows;
  for (std::size_t m = 0; m < panel.curves.size(); ++m) {
    const EvaluationCurve& curve = *panel.curves[m];
    if (curve.points.empty()) continue;
    const EvaluationPoint& p = curve.points[0];
    const EvaluationInterval band =
        curve.bands.empty() ? EvaluationInterval() : EvaluationInterval{curve.bands[0].low, curve.bands[0].high};
    rows += fmt::format(
        "<tr class=\"m{0}\"><th><button data-method=\"{0}\" aria-pressed=\"true\" title=\"hide or show\">{1}</button>"
        "</th><td>{2}</td><td>{3}</td><td>{4}</td><td>{5}</td><td>{6}</td><td>{7}</td></tr>\n",
        m, MethodName(report, m), Percent(ErrorOf(curve.protocol, p)), Between(band, 100, 2), Number(p.threshold, 4),
        Rate(p.fmr), LosesMated(curve.protocol) ? Grouped(p.mated) : "–",
        LosesNonMated(curve.protocol) ? Grouped(p.non_mated) : "–");
  }
  return fmt::format(
      "<div class=\"wide\"><table class=\"legend\"><thead><tr><th>at <b class=\"at\">0 %</b> discarded</th>"
      "<th>{}</th><th>95 %</th><th>threshold</th><th>achieved FMR</th><th>mated kept</th><th>non-mated kept</th>"
      "</tr></thead><tbody>\n{}</tbody></table></div>\n",
      ErrorName(panel.protocol), rows);
}

// What is chosen for a panel to be seen: of starting errors all of a protocol.
std::string Shown(const Panel& panel) {
  const std::string_view protocol = name(panel.protocol);
  return StartsAtError(panel.protocol) ? fmt::format("protocol={}", protocol)
                                       : fmt::format("protocol={} fmr={}", protocol, panel.asked);
}

}  // namespace

std::string RenderCurves(const EvaluationReport& report) {
  const std::vector<Panel> panels = Panels(report);
  if (panels.empty()) return "<p>No FMR has enough non-mated pairs for a curve.</p>\n";
  std::vector<std::pair<std::string, std::string>> fmrs;
  for (const Panel& panel : panels) {
    const std::pair choice(panel.asked, "FMR " + panel.asked);
    if (!StartsAtError(panel.protocol) && std::ranges::find(fmrs, choice) == fmrs.end()) fmrs.push_back(choice);
  }
  std::string html = fmt::format(
      "<div class=\"controls\">{}{}{}<span class=\"buttons\"><button data-toggle=\"bandless\" aria-pressed=\"true\">95 "
      "% "
      "bands</button></span></div>\n",
      ProtocolButtons(report), Buttons("fmr", fmrs),
      Buttons("range", {{"whole", "whole curves"}, {"part", "up to 30 %"}}));
  std::string readings;
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const Panel& panel = panels[i];
    html += fmt::format(
        "<figure class=\"panel\" data-show=\"{}\" data-readings=\"{}\"><figcaption><b>{} · {} discarded · "
        "{}{}</b> {}</figcaption>\n{}{}{}</figure>\n",
        Shown(panel), i, name(panel.protocol), WhatGoes(panel.protocol), StartsAtError(panel.protocol) ? "" : "FMR ",
        panel.asked, Explained(panel.protocol), Chart(panel, HasSteps(panel.protocol) ? 0.95 : 1).Draw(),
        Chart(panel, 0.3).Draw(), Legend(report, panel));
    if (i > 0) readings += ",\n";
    readings += Readings(panel);
  }
  return html + fmt::format("<script type=\"application/json\" id=\"readings\">[{}]</script>\n", readings);
}

}  // namespace prefiqs::eval_page
