#include "cli/gnuplot.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace prefiqs::cli {
namespace {

struct Terminal {
  const char *extension, *settings;
  double pixels_a_unit;  // pdfcairo knows inches and centimetres, no pixels
};
constexpr std::array<Terminal, 3> kTerminals{
    {{".svg", "svg size {},{} dynamic background '#ffffff' font 'sans-serif,12'", 1},
     {".pdf", "pdfcairo size {}in,{}in font 'sans-serif,9'", 96},
     {".png", "pngcairo size {},{} font 'sans-serif,11'", 1}}};

const Terminal& TerminalOf(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  for (const Terminal& terminal : kTerminals) {
    if (extension == terminal.extension) return terminal;
  }
  throw Error(ErrorCode::kUsage, fmt::format("--plot {}: a name that ends with .svg, .pdf or .png", path));
}

}  // namespace

std::string PlotHeader(const std::string& path, std::size_t width, std::size_t height) {
  const Terminal& terminal = TerminalOf(path);
  const auto size = [&](std::size_t pixels) { return static_cast<double>(pixels) / terminal.pixels_a_unit; };
  const std::string settings = fmt::format(fmt::runtime(terminal.settings), size(width), size(height));
  return fmt::format("set terminal {} noenhanced\nset output {}\n", settings, PlotQuoted(path));
}

// In single quotes, gnuplot reads nothing but doubled quotes; its own mark-up is switched off.
std::string PlotQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    if (c == '\'') quoted += '\'';
  }
  return quoted + "'";
}

void CheckPlotPath(const std::string& path) {
  TerminalOf(path);
  if (std::system("command -v gnuplot >/dev/null 2>&1") != 0) {
    throw Error(ErrorCode::kIo, "--plot: gnuplot draws it and is not there; apt-get install gnuplot-nox");
  }
}

void RunGnuplot(const std::string& script, const std::string& path) {
  std::FILE* const pipe = popen("gnuplot", "w");
  bool good = pipe != nullptr && std::fwrite(script.data(), 1, script.size(), pipe) == script.size();
  good = pipe != nullptr && pclose(pipe) == 0 && good;
  if (!good) throw Error(ErrorCode::kIo, fmt::format("{}: gnuplot could not draw it", path));
}

}  // namespace prefiqs::cli
