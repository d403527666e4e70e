// Pictures drawn by gnuplot.
#ifndef PREFIQS_CLI_GNUPLOT_H_
#define PREFIQS_CLI_GNUPLOT_H_

#include <array>
#include <string>

namespace prefiqs::cli {

// Okabe and Ito's, told apart by most eyes; the floor is grey.
inline constexpr std::array<const char*, 7> kPlotColours{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                         "#e69f00", "#56b4e9", "#000000"};
inline constexpr const char* kPlotFloor = "#999999";

// "set terminal …" and "set output …" for a picture of so many pixels. Throws Error(kUsage) for names that do not end
// with .svg, .pdf or .png.
std::string PlotHeader(const std::string& path, std::size_t width, std::size_t height);

// Text in single quotes, as gnuplot reads it.
std::string PlotQuoted(const std::string& text);

// Throws as PlotHeader, and Error(kIo) where gnuplot is not there.
void CheckPlotPath(const std::string& path);

// Throws Error(kIo) where gnuplot fails.
void RunGnuplot(const std::string& script, const std::string& path);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_GNUPLOT_H_
