// Error-versus-discard curves as a picture, by gnuplot.
#ifndef PREFIQS_CLI_EDC_PLOT_H_
#define PREFIQS_CLI_EDC_PLOT_H_

#include <string>

#include <prefiqs/evaluation.h>

namespace prefiqs::cli {

// What gnuplot is told: a panel for each protocol and FMR with curves, bands behind them. Throws Error(kUsage) for a
// name that PlotHeader refuses.
std::string EdcPlotScript(const EvaluationReport& report, const std::string& path);

// Draws it. False: there is no curve to draw, and no picture. Throws as EdcPlotScript and RunGnuplot.
bool WriteEdcPlot(const EvaluationReport& report, const std::string& path);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_EDC_PLOT_H_
