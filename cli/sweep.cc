// `prefiqs sweep`.
#include <fmt/format.h>
#include <prefiqs/evaluation.h>
#include <prefiqs/job.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "cli/commands.h"
#include "cli/gnuplot.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/network_options.h"
#include "cli/progress.h"
#include "cli/run_options.h"
#include "cli/sweep_grid.h"
#include "cli/sweep_tables.h"
#include "cli/table.h"

namespace prefiqs::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  prefiqs sweep lfw/pairs.txt lfw/images --model arcface.onnx --preset arcface --folder lfw-sweep --plot sweep.svg
  prefiqs sweep cfp/Protocol/Split/FP cfp/Data/Images --model arcface.onnx --preset arcface --folder cfp-sweep \
      --sparsity 0.1,0.2,0.3 --scope layer,channel --criterion l1 --from 0,0.5,0.9
  prefiqs sweep ... --jvp --jvp-plot theory.svg       how near is the drift to its first-order theory?
  prefiqs sweep all CROPS/ --aligned --folder sweep --rows other.csv --embeddings other.npy
      verified by another network, of which `prefiqs embed` wrote these

PAIRS as in prefiqs evaluate. The folder keeps everything; the same command goes on where it was interrupted, and with
more recipes does the new ones alone. Columns: the pruned copy's own verification accuracy and FNMR (how much it
lost), the mean drift, and for the drift and for the norm of the pruned embedding the area under the
error-versus-discard curve up to 30 %, times 1000, lower is better, with the share of resamples of people in which it is
lower than that of the whole network's norm, which costs nothing. With --jvp also the correlation of drift and first-order
sensitivity S over the faces, of values and of ranks, and the area by S.)";

struct SweepArguments {
  std::string folder, pairs, rows, embeddings, mirrored, protocol = "A", tables = "text", plot, jvp_plot;
  bool jvp = false;
  double fmr = 1e-3;
  int resamples = 200;
};

EvaluationOptions Verified(const SweepArguments& arguments, const SweepResult& result, int threads) {
  EvaluationOptions options;
  options.pairs = arguments.pairs;
  options.rows = arguments.rows.empty() ? result.rows : arguments.rows;
  options.embeddings = arguments.rows.empty() ? result.embeddings : arguments.embeddings;
  options.mirrored = arguments.mirrored;
  options.fmrs = {arguments.fmr};
  options.resamples = arguments.resamples;
  options.threads = threads;
  return options;
}

// How well a network verifies: its accuracy over the list's folds, and its FNMR.
void Verify(const SweepArguments& arguments, const std::string& rows, const std::string& embeddings, int threads,
            SweepLine& line) {
  EvaluationOptions options;
  options.pairs = arguments.pairs;
  options.rows = rows;
  options.embeddings = embeddings;
  options.qualities = {{.name = "norm", .path = "", .column = "embedding_norm"}};
  options.fmrs = {arguments.fmr};
  options.resamples = 0;
  options.threads = threads;
  const EvaluationReport report = evaluate(options);
  line.accuracy = report.accuracy;
  if (report.error_rates[0].enough) line.fnmr = report.error_rates[0].fnmr;
}

// The area up to 30 % of the method of that name.
EvaluationArea AreaOf(const EvaluationReport& report, std::string_view method, EdcProtocol protocol) {
  for (const EvaluationCurve& curve : report.curves) {
    if (report.methods[curve.method] == method && curve.protocol == protocol) return curve.to_30;
  }
  return {};
}

SweepLines Evaluate(const SweepArguments& arguments, const SweepResult& result, EdcProtocol protocol, int threads) {
  EvaluationOptions options = Verified(arguments, result, threads);
  options.qualities = {{.name = "norm", .path = result.rows, .column = "embedding_norm"}};
  for (const SweepRun& run : result.runs) {
    options.qualities.push_back({.name = run.recipe.name(), .path = run.rows, .column = "quality"});
    options.qualities.push_back({.name = run.recipe.name() + " norm", .path = run.rows, .column = "pruned_norm"});
    if (arguments.jvp) {
      options.qualities.push_back({.name = run.recipe.name() + " jvp", .path = run.jvp_rows, .column = "quality"});
    }
  }
  const EvaluationReport report = evaluate(options);
  SweepLines lines;
  Verify(arguments, result.rows, result.embeddings, threads, lines.whole);
  lines.whole.by_norm = AreaOf(report, "norm", protocol);
  lines.random = AreaOf(report, "random", protocol);
  for (const SweepRun& run : result.runs) {
    SweepLine& line = lines.recipes.emplace_back();
    line.sparsity = run.achieved_sparsity;
    line.drift = run.mean_drift;
    Verify(arguments, run.rows, run.embeddings, threads, line);
    line.by_drift = AreaOf(report, run.recipe.name(), protocol);
    line.by_norm = AreaOf(report, run.recipe.name() + " norm", protocol);
    line.by_jvp = AreaOf(report, run.recipe.name() + " jvp", protocol);
  }
  return lines;
}

// Area against sparsity, a line for each granularity, criterion, scope and start.
void Draw(const SweepResult& result, const SweepLines& lines, const std::string& path) {
  std::map<std::string, std::string> series;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < lines.recipes.size(); ++i) {
    const Recipe& recipe = result.runs[i].recipe;
    if (!std::isfinite(lines.recipes[i].by_drift.value)) continue;
    std::string series_name = fmt::format("{} {}", name(recipe.criterion), name(recipe.scope));
    if (recipe.granularity == Granularity::kStructured) series_name = "structured " + series_name;
    if (recipe.from > 0) series_name += fmt::format(" from {}", recipe.from);
    if (!series.contains(series_name)) names.push_back(series_name);
    const EvaluationArea& area = lines.recipes[i].by_drift;
    const bool sure = std::isfinite(area.interval.low);
    // Side by side, so that bars do not hide each other.
    const auto place = static_cast<double>(std::ranges::find(names, series_name) - names.begin());
    series[series_name] +=
        fmt::format("{} {:.6f} {:.6f} {:.6f}\n", recipe.sparsity + 0.006 * place, 1000 * area.value,
                    1000 * (sure ? area.interval.low : area.value), 1000 * (sure ? area.interval.high : area.value));
  }
  if (names.empty()) {
    Say(fmt::format("prefiqs: --plot {}: not drawn: the FMR has too few non-mated comparisons for an area\n", path));
    return;
  }
  std::string script = PlotHeader(path, 760, 480);
  for (std::size_t i = 0; i < names.size(); ++i) script += fmt::format("$s{} << EOD\n{}EOD\n", i, series[names[i]]);
  script +=
      "set grid lc rgb '#dddddd'\nset border 3\nset tics nomirror out\nset xrange [0:1]\nset yrange [0:*]\n"
      "set xlabel 'sparsity'\nset ylabel 'pAUC 30 % × 1000'\nset key outside right top samplen 2\nplot ";
  for (std::size_t i = 0; i < names.size(); ++i) {
    script += fmt::format("$s{} using 1:2:3:4 with yerrorlines lw 2 pt 7 ps 0.5 dt {} lc rgb '{}' title {}, \\\n  ", i,
                          1 + i / kPlotColours.size(), kPlotColours[i % kPlotColours.size()], PlotQuoted(names[i]));
  }
  script += fmt::format("{:.6f} with lines dt 2 lw 2 lc rgb '#000000' title 'embedding norm', \\\n  ",
                        1000 * lines.whole.by_norm.value);
  script += fmt::format("{:.6f} with lines lw 2 lc rgb '{}' title 'random'\n", 1000 * lines.random.value, kPlotFloor);
  RunGnuplot(script + "set output\n", path);
}

// Drift against theory, a dot a face.
void DrawTheory(const SweepResult& result, const std::string& path) {
  std::string script = PlotHeader(path, 640, 520);
  std::vector<std::string> titles;
  for (const SweepRun& run : result.runs) {
    if (run.drifts.empty()) continue;
    script += fmt::format("$s{} << EOD\n", titles.size());
    for (std::size_t k = 0; k < run.drifts.size(); ++k) {
      script += fmt::format("{:.6f} {:.6f}\n", run.sensitivities[k], run.drifts[k]);
    }
    script += "EOD\n";
    titles.push_back(fmt::format("{} {} {}", name(run.recipe.criterion), name(run.recipe.scope), run.recipe.sparsity));
    if (run.recipe.from > 0) titles.back() += fmt::format(" from {}", run.recipe.from);
  }
  script +=
      "set grid lc rgb '#dddddd'\nset border 3\nset tics nomirror out\nset xrange [0:*]\nset yrange [0:*]\n"
      "set xlabel 'S, the drift to first order'\nset ylabel 'drift'\nset key outside right top samplen 1\nplot ";
  for (std::size_t i = 0; i < titles.size(); ++i) {
    script += fmt::format("$s{} with points pt 7 ps 0.3 lc rgb '{}' title {}, \\\n  ", i,
                          kPlotColours[i % kPlotColours.size()], PlotQuoted(titles[i]));
  }
  script += fmt::format("x with lines dt 2 lc rgb '{}' title 'equal'\n", kPlotFloor);
  RunGnuplot(script + "set output\n", path);
}

EdcProtocol ParseProtocol(const std::string& text) {
  return Choose<EdcProtocol>(
      "--protocol", text,
      {{"A", EdcProtocol::kPairs}, {"B", EdcProtocol::kFixedThreshold}, {"C", EdcProtocol::kImages}});
}

SweepResult RunSweepJob(const Network& network, SweepOptions options) {
  const InterruptGuard interrupts;
  ProgressLine line;
  std::string stage;
  options.on_stage = [&](const std::string& text) {
    line.Clear();
    Say(fmt::format("prefiqs: {}\n", text));
  };
  options.job.on_progress = [&](const JobProgress& progress) {
    line.Show(progress);
    return Interrupted() == 0;
  };
  options.job.on_warning = [&](const std::string& text) {
    line.Clear();
    Say(fmt::format("prefiqs: warning: {}\n", text));
  };
  return run_sweep(network, options);
}

}  // namespace

int RunSweep(const Words& words) {
  CLI::App app("Many pruning recipes over one set of pairs: which ranks best?", "prefiqs sweep");
  NetworkArguments network;
  RunArguments run;
  SweepArguments arguments;
  GridArguments grid;
  AddModelOption(app, network);
  AddPreprocessingOptions(app, network);
  AddGridOptions(app, grid);
  AddFaceOptions(app, run);
  app.add_option("--folder", arguments.folder, "Keeps rows, embeddings and crops, and goes on from them")
      ->type_name("DIR")
      ->required();
  app.add_option("--rows", arguments.rows, "With --embeddings: of another verifying network [the swept one]")
      ->type_name("FILE.csv");
  app.add_option("--embeddings", arguments.embeddings, "See --rows")->type_name("FILE.npy");
  app.add_option("--mirrored", arguments.mirrored, "Embeddings of the mirrored pictures, which protocol A wants too")
      ->type_name("FILE.npy");
  app.add_option("--fmr", arguments.fmr, "False match rate [0.001]")->type_name("RATE");
  app.add_option("--protocol", arguments.protocol, "A, B or C [A]")->type_name("P");
  app.add_option("--resamples", arguments.resamples, "Of people, for intervals and comparisons [200]")->type_name("N");
  app.add_option("--tables", arguments.tables, "text, markdown, latex (booktabs) or csv [text]")->type_name("FORM");
  app.add_option("--plot", arguments.plot, "Draws area against sparsity with gnuplot; bars hold 95 % of the resamples")
      ->type_name("FILE.svg|pdf|png");
  app.add_flag("--jvp", arguments.jvp, "Compares each drift with its first-order theory (score --method jvp)");
  app.add_option("--jvp-plot", arguments.jvp_plot, "Draws drift against theory with gnuplot, a dot a face")
      ->type_name("FILE.svg|pdf|png");
  AddLockOption(app, run.job, "Options");
  AddExecutionOptions(app, run);
  app.footer(kExamples);
  std::vector<std::string>& inputs = run.job.inputs;
  if (!ParseWithInputs(app, words, "PAIRS, then the pictures: files, folders or @lists as for score", inputs)) return 0;
  if (inputs.size() < 2) throw Error(ErrorCode::kUsage, "sweep needs PAIRS and pictures: prefiqs sweep --help");
  arguments.pairs = inputs.front();
  inputs.erase(inputs.begin());
  if (arguments.rows.empty() != arguments.embeddings.empty()) {
    throw Error(ErrorCode::kUsage, "--rows and --embeddings go together");
  }
  if (!arguments.jvp_plot.empty() && !arguments.jvp) throw Error(ErrorCode::kUsage, "--jvp-plot needs --jvp");
  // What would be said after hours is said before.
  if (arguments.resamples < 0 || arguments.resamples == 1) {
    throw Error(ErrorCode::kUsage, fmt::format("--resamples {}: 0, or 2 and more", arguments.resamples));
  }
  if (!(arguments.fmr > 0 && arguments.fmr < 1)) throw Error(ErrorCode::kUsage, "--fmr: between 0 and 1");
  for (const std::string& file : {arguments.pairs == "all" ? std::string() : arguments.pairs, arguments.rows,
                                  arguments.embeddings, arguments.mirrored}) {
    if (!file.empty() && !std::filesystem::exists(file)) throw Error(ErrorCode::kIo, file + ": there is no such file");
  }
  const EdcProtocol protocol = ParseProtocol(arguments.protocol);
  const TableForm form = ParseTableForm(arguments.tables);
  for (const std::string& plot : {arguments.plot, arguments.jvp_plot}) {
    if (!plot.empty()) CheckPlotPath(plot);
  }

  RefuseAllFaces(run);
  SweepOptions options;
  options.recipes = MakeGrid(grid);
  options.folder = arguments.folder;
  options.jvp = arguments.jvp;
  options.job = MakeJob(run);
  const Network loaded = LoadNetwork(network);
  WarnIfAssumed(loaded);
  const int threads = options.job.assessor.threads;
  if (arguments.rows.empty()) check_pairs(arguments.pairs, options.job.inputs);
  const SweepResult result = RunSweepJob(loaded, std::move(options));
  if (result.interrupted) {
    Say("prefiqs: interrupted; the same command goes on from there\n");
    return InterruptedStatus();
  }
  const SweepLines lines = Evaluate(arguments, result, protocol, threads);
  PrintSweep({.result = result,
              .lines = lines,
              .protocol = arguments.protocol,
              .fmr = arguments.fmr,
              .jvp = arguments.jvp,
              .mirrored = !arguments.mirrored.empty()},
             form);
  if (!arguments.plot.empty()) Draw(result, lines, arguments.plot);
  if (!arguments.jvp_plot.empty()) DrawTheory(result, arguments.jvp_plot);
  return 0;
}

}  // namespace prefiqs::cli
