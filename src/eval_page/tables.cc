// What the terminal prints, as tables, and buttons.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/html.h"
#include "eval_page/numbers.h"
#include "eval_page/page.h"

namespace prefiqs::eval_page {
namespace {

constexpr double kThousand = 1000;  // areas are printed so many times larger

// An area with its interval on a line that goes to `most`.
std::string Whisker(const EvaluationArea& area, double most) {
  constexpr double kWidth = 160, kMiddle = 8;
  if (!std::isfinite(area.value) || !(most > 0)) return {};
  const auto x = [&](double value) { return 3 + (kWidth - 6) * value / most; };
  const std::string line =
      std::isfinite(area.interval.low)
          ? fmt::format("<path d=\"M{:.1f} {}H{:.1f}\"/>", x(area.interval.low), kMiddle, x(area.interval.high))
          : std::string();
  return fmt::format(
      "<svg class=\"whisker\" viewBox=\"0 0 {} {}\" aria-hidden=\"true\">{}<circle cx=\"{:.1f}\" cy=\"{}\" r=\"3\"/>"
      "</svg>",
      kWidth, 2 * kMiddle, line, x(area.value), kMiddle);
}

// The best of the methods; the floor is none.
double Lowest(const EvaluationReport& report, std::size_t of_a_method, std::size_t k,
              EvaluationArea EvaluationCurve::*area) {
  double lowest = INFINITY;
  for (std::size_t m = 0; m < MethodsShown(report); ++m) {
    const double value = (report.curves[m * of_a_method + k].*area).value;
    if (value < lowest) lowest = value;
  }
  return lowest;
}

std::string Area(double value, double lowest) {
  const std::string text = Number(kThousand * value, 3);
  return value == lowest ? "<b>" + text + "</b>" : text;
}

std::string AreaRows(const EvaluationReport& report, std::size_t of_a_method, std::size_t k) {
  double most = 0;
  for (std::size_t m = 0; m < report.methods.size(); ++m) {
    const EvaluationArea& area = report.curves[m * of_a_method + k].to_30;
    for (const double value : {area.value, area.interval.high})
      most = std::isfinite(value) ? std::max(most, value) : most;
  }
  const double lowest_20 = Lowest(report, of_a_method, k, &EvaluationCurve::to_20),
               lowest_30 = Lowest(report, of_a_method, k, &EvaluationCurve::to_30),
               lowest = Lowest(report, of_a_method, k, &EvaluationCurve::whole);
  std::string rows;
  for (std::size_t m = 0; m < report.methods.size(); ++m) {
    const EvaluationCurve& c = report.curves[m * of_a_method + k];
    rows += fmt::format(
        "<tr class=\"m{}\"><td>{}</td><td>{}</td><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>"
        "<td>{}</td><td>{}</td><td>{}</td></tr>\n",
        m, m == 0 ? name(c.protocol) : "", m == 0 ? Asked(c) : "", MethodName(report, m),
        Area(c.to_20.value, lowest_20), Area(c.to_30.value, lowest_30), Between(c.to_30.interval, kThousand, 3),
        Whisker(c.to_30, most), Percent(c.to_30.better_than_first),
        Number(kThousand * std::abs(c.to_30.reversed - c.to_30.value), 3), Area(c.whole.value, lowest),
        Number(c.normalised.value, 4));
  }
  return rows;
}

}  // namespace

std::size_t MethodsShown(const EvaluationReport& report) {
  return report.methods.empty() ? 0 : report.methods.size() - 1;
}

std::string MethodName(const EvaluationReport& report, std::size_t method) {
  return fmt::format("<i class=\"swatch m{}\"></i>{}", method, EscapeHtml(report.methods[method]));
}

std::string Buttons(const std::string& group, const std::vector<std::pair<std::string, std::string>>& choices) {
  std::string html = "<span class=\"buttons\">";
  for (std::size_t i = 0; i < choices.size(); ++i) {
    html += fmt::format("<button data-pick=\"{}={}\" aria-pressed=\"{}\">{}</button>", group, choices[i].first, i == 0,
                        choices[i].second);
  }
  return html + "</span>";
}

std::string ProtocolButtons(const EvaluationReport& report) {
  std::vector<std::pair<std::string, std::string>> choices{
      {"A", "A: pairs"}, {"B", "B: mated pairs"}, {"C", "C: images"}};
  for (const auto& [protocol, text] : {std::pair{EdcProtocol::kFalseNonMatches, "B from a starting FNMR"},
                                       std::pair{EdcProtocol::kFalseMatches, "B from a starting FMR"}}) {
    const auto is_there = [wanted = protocol](const EvaluationCurve& curve) {
      return curve.protocol == wanted && !curve.points.empty();
    };
    if (std::ranges::any_of(report.curves, is_there)) choices.emplace_back(name(protocol), text);
  }
  return Buttons("protocol", choices);
}

std::string MethodButtons(const EvaluationReport& report, const std::string& group) {
  std::vector<std::pair<std::string, std::string>> choices;
  for (std::size_t m = 0; m < MethodsShown(report); ++m) {
    choices.emplace_back(fmt::format("{}", m), MethodName(report, m));
  }
  return Buttons(group, choices);
}

std::string RenderErrorRates(const EvaluationReport& report) {
  std::string rows;
  for (const EvaluationErrorRate& rate : report.error_rates) {
    if (!rate.enough) {
      rows += fmt::format("<tr><td>{}</td><td class=\"said\" colspan=\"4\">too few non-mated pairs to tell</td></tr>\n",
                          rate.wanted_fmr);
      continue;
    }
    rows += fmt::format("<tr><td>{}</td><td><b>{}</b></td><td>{}</td><td>{}</td><td>{}</td></tr>\n", rate.wanted_fmr,
                        Percent(rate.fnmr), Between(rate.interval, 100, 2), Rate(rate.fmr), Number(rate.threshold, 4));
  }
  return fmt::format(
      "<div class=\"wide\"><table class=\"numbers\"><thead><tr><th>FMR</th><th>FNMR</th><th>95 %</th><th>achieved "
      "FMR</th><th>threshold</th></tr></thead><tbody>\n{}</tbody></table></div>\n",
      rows);
}

std::string RenderAreas(const EvaluationReport& report) {
  const std::size_t of_a_method = report.curves.size() / std::max<std::size_t>(1, report.methods.size());
  std::string groups;
  for (std::size_t k = 0; k < of_a_method; ++k) {
    if (report.curves[k].points.empty()) continue;
    groups += fmt::format("<tbody data-show=\"protocol={}\">\n{}</tbody>\n", name(report.curves[k].protocol),
                          AreaRows(report, of_a_method, k));
  }
  if (groups.empty()) return {};
  return fmt::format(
      "<div class=\"controls\">{}</div><div class=\"wide\"><table class=\"areas\"><thead><tr><th></th><th>FMR</th>"
      "<th>method</th><th>pAUC 20 %</th><th>pAUC 30 %</th><th>95 %</th><th></th><th>better</th><th>ties</th>"
      "<th>AUC</th><th title=\"of C: pAUC 30 % / (0.3 FNMR at 0 %)\">normalised</th></tr></thead>\n{}</table></div>\n",
      ProtocolButtons(report), groups);
}

std::string RenderHarm(const EvaluationReport& report) {
  constexpr std::string_view kTitle = "<h2>Rank correlation of quality and harm</h2>\n<p>RCE at FMR 0.001";
  if (report.harm_ranks.empty() || !std::isfinite(report.harm_ranks[0][0].value)) {
    return fmt::format("{} is left out: there are too few non-mated pairs.</p>\n", kTitle);
  }
  std::string rows, columns;
  for (const EvaluationHarmRank& rank : report.harm_ranks[0]) {
    columns += fmt::format("<th>α = {}</th><th>95 %</th><th>better</th><th>reversed</th>", rank.alpha);
  }
  for (std::size_t m = 0; m < report.methods.size(); ++m) {
    rows += fmt::format("<tr class=\"m{}\"><th>{}</th>", m, MethodName(report, m));
    for (const EvaluationHarmRank& rank : report.harm_ranks[m]) {
      rows += fmt::format("<td>{}</td><td>{}</td><td>{}</td><td>{}</td>", Number(rank.value, 3),
                          Between(rank.interval, 1, 3), Percent(rank.better_than_first), Number(rank.reversed, 3));
    }
    rows += "</tr>\n";
  }
  return fmt::format(
      "{}: images ranked by quality against images ranked by the errors they take part in. Higher is better; what says "
      "nothing is where random is; <i>reversed</i> is of the negated quality.</p>\n"
      "<table class=\"numbers\"><thead><tr><th>method</th>{}</tr></thead><tbody>\n{}</tbody></table>\n",
      kTitle, columns, rows);
}

}  // namespace prefiqs::eval_page
