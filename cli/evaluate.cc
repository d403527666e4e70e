// `prefiqs evaluate`.
#include <fmt/format.h>
#include <prefiqs/evaluation.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/edc_plot.h"
#include "cli/gnuplot.h"
#include "cli/messages.h"
#include "cli/table.h"

namespace prefiqs::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  prefiqs evaluate lfw/pairs.txt --rows lfw.csv --embeddings lfw.npy
      of what this wrote: prefiqs score lfw/images --model arcface.onnx ... --output lfw.csv --embeddings lfw.npy
  prefiqs evaluate cfp/Protocol/Split/FP --rows cfp.csv --embeddings cfp.npy --quality drift=cfp.csv \
      --quality crfiqa=other.csv:score --quality blur=blur.csv:sharpness --fmr 1e-3 --curves edc.csv
  prefiqs evaluate ijbc_template_pair_label.txt --templates ijbc_face_tid_mid.txt --rows ijbc.csv --embeddings ijbc.npy
  prefiqs evaluate lfw/pairs.txt --rows lfw.csv --embeddings lfw.npy --html lfw.html
      curves to hover over, the worst and the best faces, and the pairs behind the errors; from the folder that `score`
      ran in, so that the pictures are found

PAIRS: a CSV file with file_a, file_b, mated (and fold, identity_a, identity_b if known), LFW's pairs.txt, CFP's
Protocol/Split/FF or FP, or an InsightFace set FILE.bin; or the word all: every picture of the rows with every other
one, people being the folders they lie in (or the rows' column identity). A name stands for the path it is the end of;
extensions do not matter.

Areas under error-versus-discard curves, times 1000, lower is better, by three protocols: A discards pairs and finds the
threshold anew (CR-FIQA and its successors), B keeps one threshold (ISO/IEC 29794-1; area above the best possible), C
discards images (FaceQAN and its successors). Intervals hold 95 % of the resamples of people; "better" is the share of
resamples in which a method beats the first one. "ties" is how far the area moves when equally good comparisons are
discarded in the other order.)";

std::string Number(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : std::string("-");
}

std::string Percent(double value) {
  return std::isfinite(value) ? fmt::format("{:.2f} %", 100 * value) : std::string("-");
}

std::string Between(const EvaluationInterval& interval, double scale, int decimals) {
  if (!std::isfinite(interval.low)) return "-";
  return fmt::format("{:.{}f} to {:.{}f}", scale * interval.low, decimals, scale * interval.high, decimals);
}

char Letter(EdcProtocol protocol) { return static_cast<char>('A' + static_cast<int>(protocol)); }

QualitySource ParseQuality(const std::string& text) {
  QualitySource source;
  const std::size_t equals = text.find('=');
  std::string rest = text;
  if (equals != std::string::npos) {
    source.name = text.substr(0, equals);
    rest = text.substr(equals + 1);
  }
  // A colon at the end of a file's name is not a column's.
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string::npos && colon + 1 < rest.size() && !std::filesystem::exists(rest)) {
    source.column = rest.substr(colon + 1);
    rest.resize(colon);
  }
  source.path = rest;
  if (source.name.empty()) {
    source.name = source.column.empty() ? std::filesystem::path(rest).stem().string() : source.column;
  }
  if (source.path.empty() && source.column.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("--quality {}: NAME=FILE or NAME=FILE:COLUMN", text));
  }
  return source;
}

// things: what is compared.
void PrintErrorRates(const EvaluationReport& report, const char* things, TableForm form) {
  fmt::print("{} {} of {} people; {} mated and {} non-mated comparisons",
             Grouped(static_cast<std::int64_t>(report.images)), things,
             Grouped(static_cast<std::int64_t>(report.identities)), Grouped(static_cast<std::int64_t>(report.mated)),
             Grouped(static_cast<std::int64_t>(report.non_mated)));
  if (report.not_compared > 0) {
    fmt::print("; {} {} have no embedding, their comparisons are not accepted", report.not_compared, things);
  }
  fmt::print("\n");
  if (report.folds >= 2) {
    fmt::print("verification accuracy {} ± {} (standard error over {} folds)\n", Percent(report.accuracy),
               Percent(report.accuracy_standard_error), report.folds);
  }
  std::vector<std::vector<std::string>> rows;
  for (const EvaluationErrorRate& rate : report.error_rates) {
    if (!rate.enough) {
      rows.push_back({fmt::format("{}", rate.wanted_fmr), "too few non-mated comparisons", "", "", ""});
      continue;
    }
    rows.push_back({fmt::format("{}", rate.wanted_fmr), Percent(rate.fnmr), Between(rate.interval, 100, 2),
                    fmt::format("{:.2g}", rate.fmr), Number(rate.threshold, 4)});
  }
  fmt::print("\n{}\n", FormatTable({{"FMR", Align::kRight},
                                    {"FNMR", Align::kRight},
                                    {"95 %", Align::kRight},
                                    {"achieved FMR", Align::kRight},
                                    {"threshold", Align::kRight}},
                                   rows, form));
}

void PrintAreas(const EvaluationReport& report, TableForm form) {
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const EvaluationCurve& curve) {
    rows.push_back({std::string(1, Letter(curve.protocol)), fmt::format("{}", curve.fmr), report.methods[curve.method],
                    Number(1000 * curve.to_20.value, 3), Number(1000 * curve.to_30.value, 3),
                    Between(curve.to_30.interval, 1000, 3), Percent(curve.to_30.better_than_first),
                    Number(1000 * std::abs(curve.to_30.reversed - curve.to_30.value), 3),
                    Number(1000 * curve.whole.value, 3)});
  };
  // By protocol and FMR, so that methods stand below each other.
  const std::size_t of_a_method = report.curves.size() / report.methods.size();
  for (std::size_t k = 0; k < of_a_method; ++k) {
    if (report.curves[k].points.empty()) continue;
    for (std::size_t m = 0; m < report.methods.size(); ++m) add(report.curves[m * of_a_method + k]);
  }
  fmt::print("{}\n", FormatTable({{"protocol"},
                                  {"FMR", Align::kRight},
                                  {"method"},
                                  {"pAUC 20 %", Align::kRight},
                                  {"pAUC 30 %", Align::kRight},
                                  {"95 %", Align::kRight},
                                  {"better", Align::kRight},
                                  {"ties", Align::kRight},
                                  {"AUC", Align::kRight}},
                                 rows, form));
}

void PrintHarm(const EvaluationReport& report, TableForm form) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t m = 0; m < report.methods.size(); ++m) {
    rows.push_back({report.methods[m], Number(report.rank_of_harm[m][0], 3), Number(report.rank_of_harm[m][1], 3)});
  }
  if (!std::isfinite(report.rank_of_harm[0][0])) return;
  fmt::print("RCE: rank correlation of quality and harm at FMR 0.001, higher is better\n\n{}\n",
             FormatTable({{"method"}, {"alpha 0", Align::kRight}, {"alpha 3", Align::kRight}}, rows, form));
}

}  // namespace

int RunEvaluate(const Words& words) {
  CLI::App app("How well qualities predict a network's errors: error versus discard.", "prefiqs evaluate");
  EvaluationOptions options;
  std::vector<std::string> qualities, distances, inputs;
  std::string rates, plot, page, tables = "text";
  app.add_option("--rows", options.rows, "What `score` or `embed` wrote: CSV with a column path")
      ->type_name("FILE.csv")
      ->required();
  app.add_option("--embeddings", options.embeddings, "Of the verifying network, a row for each of those")
      ->type_name("FILE.npy")
      ->required();
  app.add_option("--mirrored", options.mirrored, "Embeddings of the mirrored pictures, which protocol A wants too")
      ->type_name("FILE.npy");
  app.add_option("--templates", options.templates,
                 "IJB's face_tid_mid.txt, lines NAME TID MID: PAIRS is IJB's template_pair_label.txt, lines TID TID "
                 "LABEL")
      ->type_name("FILE.txt");
  app.add_option("--quality", qualities,
                 "A method's scores, higher is better: a CSV file with names and a column quality, or the one that is "
                 "named; any number of times [the rows' quality, norms, confidence, sharpness and uniformity]")
      ->type_name("NAME=FILE[:COLUMN]")
      ->allow_extra_args(false);
  app.add_option("--distance", distances, "As --quality, where lower is better")
      ->type_name("NAME=FILE[:COLUMN]")
      ->allow_extra_args(false);
  app.add_option("--fmr", rates, "False match rates [0.01,0.001,0.0001]")->type_name("RATE,...");
  app.add_option("--resamples", options.resamples, "Of people, for intervals and comparisons [200]")->type_name("N");
  app.add_option("--seed", options.seed, "Of the resamples and of the random method [1]")->type_name("N");
  app.add_option("--threads", options.threads, "0: all cores [0]")->type_name("N")->check(CLI::NonNegativeNumber);
  app.add_option("--curves", options.curves, "Writes the curves' points there")->type_name("FILE.csv");
  app.add_option("--tables", tables, "text, markdown, latex (booktabs) or csv [text]")->type_name("FORM");
  app.add_option("--plot", plot, "Draws the curves with gnuplot; bands hold 95 % of the resamples")
      ->type_name("FILE.svg|pdf|png");
  app.add_option("--html", page, "Writes a page with curves, faces and errors, which needs nothing else")
      ->type_name("FILE.html");
  app.footer(kExamples);
  if (!ParseWithInputs(app, words, "PAIRS: which pictures are compared, see below", inputs)) return 0;
  if (inputs.size() != 1) throw Error(ErrorCode::kUsage, "evaluate needs one list of pairs: prefiqs evaluate --help");
  options.pairs = inputs[0];
  for (const std::string& text : qualities) options.qualities.push_back(ParseQuality(text));
  for (const std::string& text : distances) {
    options.qualities.push_back(ParseQuality(text));
    options.qualities.back().lower_is_better = true;
  }
  if (!rates.empty()) options.fmrs = ParseList(rates, "--fmr");

  if (!plot.empty()) CheckPlotPath(plot);
  const TableForm form = ParseTableForm(tables);
  const bool show = isatty(STDERR_FILENO) != 0;
  options.on_progress = [&](int done) {
    if (show) Say(fmt::format("\r{} of {} resamples", done, options.resamples));
  };
  const EvaluationReport report = page.empty() ? evaluate(options) : evaluate_to_page(options, page);
  if (show && options.resamples > 0) Say("\r\x1b[K");
  PrintErrorRates(report, options.templates.empty() ? "images" : "templates", form);
  PrintAreas(report, form);
  PrintHarm(report, form);
  if (!plot.empty()) WriteEdcPlot(report, plot);
  return 0;
}

}  // namespace prefiqs::cli
