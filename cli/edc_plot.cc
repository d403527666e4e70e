#include "cli/edc_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cli/gnuplot.h"

namespace prefiqs::cli {
namespace {

constexpr std::size_t kRows = 3;  // of panels: one a protocol

std::string ProtocolTitle(EdcProtocol protocol) {
  switch (protocol) {
    case EdcProtocol::kPairs:
      return "A: pairs";
    case EdcProtocol::kFixedThreshold:
      return "B: mated pairs, one threshold";
    case EdcProtocol::kFalseNonMatches:
      return "B: mated pairs, threshold of a starting FNMR";
    case EdcProtocol::kFalseMatches:
      return "B: non-mated pairs, threshold of a starting FMR";
    case EdcProtocol::kImages:
      break;
  }
  return "C: images";
}

// What is drawn of a point.
double ErrorOf(EdcProtocol protocol, const EvaluationPoint& p) {
  return protocol == EdcProtocol::kFalseMatches ? p.fmr : p.fnmr;
}

bool IsStepped(EdcProtocol protocol) { return protocol != EdcProtocol::kPairs; }

using Panel = std::vector<std::size_t>;  // curves

// By protocol, then FMR; those that have curves.
std::vector<Panel> Panels(const EvaluationReport& report) {
  const std::size_t of_a_method = report.curves.size() / report.methods.size();
  std::vector<Panel> panels;
  for (std::size_t k = 0; k < of_a_method; ++k) {
    if (report.curves[k].points.empty()) continue;
    Panel& panel = panels.emplace_back();
    for (std::size_t m = 0; m < report.methods.size(); ++m) panel.push_back(m * of_a_method + k);
  }
  return panels;
}

// The top of the axis: what jumps where hardly anything is left is of a few pairs, and would leave nothing for the
// rest.
double TopOf(const EvaluationReport& report, const Panel& panel) {
  constexpr double kCurvesCount = 0.9, kBandsCount = 0.5, kRoom = 1.05, kNoErrors = 0.01;
  double top = 0;
  for (const std::size_t k : panel) {
    const EvaluationCurve& curve = report.curves[k];
    for (const EvaluationPoint& p : curve.points) {
      if (p.discarded <= kCurvesCount) top = std::max(top, ErrorOf(curve.protocol, p));
    }
    for (const EvaluationBand& b : curve.bands) {
      if (b.discarded <= kBandsCount) top = std::max(top, b.high);
    }
  }
  return top > 0 ? kRoom * top : kNoErrors;
}

std::string Colour(const EvaluationReport& report, std::size_t method) {
  return method + 1 == report.methods.size() ? kPlotFloor : kPlotColours[method % kPlotColours.size()];
}

}  // namespace

std::string EdcPlotScript(const EvaluationReport& report, const std::string& path) {
  const std::vector<Panel> panels = Panels(report);
  const std::size_t columns = std::max<std::size_t>(1, (panels.size() + kRows - 1) / kRows);
  std::string script = PlotHeader(path, 420 * columns, 330 * kRows);
  std::vector<double> tops(report.curves.size());  // of the panels that curves are in
  for (const Panel& panel : panels) {
    for (const std::size_t k : panel) tops[k] = TopOf(report, panel);
  }
  for (std::size_t k = 0; k < report.curves.size(); ++k) {
    script += fmt::format("$curve{} << EOD\n", k);
    for (const EvaluationPoint& p : report.curves[k].points)
      script += fmt::format("{:.6f} {:.8f}\n", p.discarded, ErrorOf(report.curves[k].protocol, p));
    script += fmt::format("EOD\n$band{} << EOD\n", k);
    for (const EvaluationBand& b : report.curves[k].bands) {
      script += fmt::format("{:.6f} {:.8f} {:.8f}\n", b.discarded, std::min(b.low, tops[k]), std::min(b.high, tops[k]));
    }
    script += "EOD\n";
  }
  script += fmt::format(
      "set multiplot layout {},{}\nset grid lc rgb '#dddddd'\nset border 3\nset tics nomirror out\n"
      "set xrange [0:0.95]\nset clip two\nset xlabel 'share discarded'\nset ylabel 'FNMR'\nset format y '%.3g'\n"
      "set style fill transparent solid 0.12 noborder\n",
      kRows, columns);
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const EvaluationCurve& first = report.curves[panels[i][0]];
    const std::string asked =
        std::isnan(first.fmr) ? fmt::format("start {}", first.start) : fmt::format("FMR {}", first.fmr);
    const bool lacks_mirrors = first.protocol == EdcProtocol::kPairs && !report.mirrored;
    script += fmt::format("set title '{}, {}{}'\nset ylabel '{}'\nset yrange [0:{:.8f}]\n", asked,
                          ProtocolTitle(first.protocol), lacks_mirrors ? " (no mirrors)" : "",
                          first.protocol == EdcProtocol::kFalseMatches ? "FMR" : "FNMR", tops[panels[i][0]]);
    script += i == 0 ? "set key top right samplen 2\n" : "unset key\n";
    script += "plot ";
    const char* separator = "";
    for (const std::size_t k : panels[i]) {
      if (report.curves[k].bands.empty()) continue;
      script += fmt::format("{}$band{} using 1:2:3 with filledcurves lc rgb '{}' notitle", separator, k,
                            Colour(report, report.curves[k].method));
      separator = ", \\\n  ";
    }
    for (const std::size_t k : panels[i]) {
      const std::size_t method = report.curves[k].method;
      script += fmt::format("{}$curve{} using 1:2 with {} lw 2 dt {} lc rgb '{}' title {}", separator, k,
                            IsStepped(first.protocol) ? "steps" : "lines", 1 + method / kPlotColours.size(),
                            Colour(report, method), PlotQuoted(report.methods[method]));
      separator = ", \\\n  ";
    }
    script += "\n";
  }
  return script + "unset multiplot\nset output\n";
}

bool WriteEdcPlot(const EvaluationReport& report, const std::string& path) {
  if (Panels(report).empty()) return false;
  RunGnuplot(EdcPlotScript(report, path), path);
  return true;
}

}  // namespace prefiqs::cli
