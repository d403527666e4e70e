#include "cli/edc_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

namespace prefiqs::cli {
namespace {

// Okabe and Ito's, told apart by most eyes; the floor is grey.
constexpr std::array<const char*, 7> kColours{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                              "#e69f00", "#56b4e9", "#000000"};
constexpr const char* kFloor = "#999999";
constexpr std::size_t kRows = 3;  // of panels: one a protocol
constexpr std::array<std::pair<const char*, const char*>, 3> kTerminals{
    {{".svg", "svg size {},{} dynamic background '#ffffff' font 'sans-serif,12'"},
     {".pdf", "pdfcairo size {}px,{}px font 'sans-serif,9'"},
     {".png", "pngcairo size {},{} font 'sans-serif,11'"}}};

const char* Terminal(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  for (const auto& [name, terminal] : kTerminals) {
    if (extension == name) return terminal;
  }
  throw Error(ErrorCode::kUsage, fmt::format("--plot {}: a name that ends with .svg, .pdf or .png", path));
}

// In single quotes, gnuplot reads nothing but doubled quotes; its own mark-up is switched off.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    if (c == '\'') quoted += '\'';
  }
  return quoted + "'";
}

std::string ProtocolTitle(EdcProtocol protocol) {
  switch (protocol) {
    case EdcProtocol::kPairs:
      return "A: pairs";
    case EdcProtocol::kFixedThreshold:
      return "B: mated pairs, one threshold";
    case EdcProtocol::kImages:
      break;
  }
  return "C: images";
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

std::string Colour(const EvaluationReport& report, std::size_t method) {
  return method + 1 == report.methods.size() ? kFloor : kColours[method % kColours.size()];
}

}  // namespace

std::string EdcPlotScript(const EvaluationReport& report, const std::string& path) {
  const std::vector<Panel> panels = Panels(report);
  const std::size_t columns = std::max<std::size_t>(1, (panels.size() + kRows - 1) / kRows);
  const std::string terminal = fmt::format(fmt::runtime(Terminal(path)), 420 * columns, 330 * kRows);
  std::string script = fmt::format("set terminal {} noenhanced\nset output {}\n", terminal, Quoted(path));
  for (std::size_t k = 0; k < report.curves.size(); ++k) {
    script += fmt::format("$curve{} << EOD\n", k);
    for (const EvaluationPoint& p : report.curves[k].points)
      script += fmt::format("{:.6f} {:.8f}\n", p.discarded, p.fnmr);
    script += fmt::format("EOD\n$band{} << EOD\n", k);
    for (const EvaluationBand& b : report.curves[k].bands) {
      script += fmt::format("{:.6f} {:.8f} {:.8f}\n", b.discarded, b.low, b.high);
    }
    script += "EOD\n";
  }
  script += fmt::format(
      "set multiplot layout {},{}\nset grid lc rgb '#dddddd'\nset border 3\nset tics nomirror out\n"
      "set xrange [0:0.95]\nset yrange [0:*]\nset xlabel 'share discarded'\nset ylabel 'FNMR'\nset format y '%.3g'\n"
      "set style fill transparent solid 0.12 noborder\n",
      kRows, columns);
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const EvaluationCurve& first = report.curves[panels[i][0]];
    script += fmt::format("set title 'FMR {}, {}'\n", first.fmr, ProtocolTitle(first.protocol));
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
      script += fmt::format("{}$curve{} using 1:2 with {} lw 2 lc rgb '{}' title {}", separator, k,
                            IsStepped(first.protocol) ? "steps" : "lines", Colour(report, report.curves[k].method),
                            Quoted(report.methods[report.curves[k].method]));
      separator = ", \\\n  ";
    }
    script += "\n";
  }
  return script + "unset multiplot\nset output\n";
}

void CheckPlotPath(const std::string& path) {
  Terminal(path);
  if (std::system("command -v gnuplot >/dev/null 2>&1") != 0) {
    throw Error(ErrorCode::kIo, "--plot: gnuplot draws it and is not there; apt-get install gnuplot-nox");
  }
}

void WriteEdcPlot(const EvaluationReport& report, const std::string& path) {
  if (Panels(report).empty()) {
    throw Error(ErrorCode::kUsage, "--plot: no FMR has enough non-mated comparisons for a curve");
  }
  const std::string script = EdcPlotScript(report, path);
  std::FILE* const pipe = popen("gnuplot", "w");
  bool good = pipe != nullptr && std::fwrite(script.data(), 1, script.size(), pipe) == script.size();
  good = pipe != nullptr && pclose(pipe) == 0 && good;
  if (!good) throw Error(ErrorCode::kIo, fmt::format("{}: gnuplot could not draw it", path));
}

}  // namespace prefiqs::cli
