// `prefiqs evaluate`.
#include <fmt/format.h>
#include <prefiqs/evaluation.h>
#include <unistd.h>

#include <filesystem>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/edc_plot.h"
#include "cli/evaluation_tables.h"
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
  prefiqs evaluate all --rows a.csv --embeddings a.npy --rows b.csv --embeddings b.npy --quality drift=a.csv
      verified by two networks; files of --plot, --html and --curves are numbered
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

// Files of each verifying network.
struct Verifying {
  std::vector<std::string> rows, embeddings, mirrored;
};

void Check(const Verifying& verifying) {
  const std::size_t count = verifying.rows.size();
  if (verifying.embeddings.size() != count || (!verifying.mirrored.empty() && verifying.mirrored.size() != count)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} --rows, {} --embeddings, {} --mirrored: as many of each, in the same order", count,
                            verifying.embeddings.size(), verifying.mirrored.size()));
  }
}

// The file of network i: edc.svg is that of one network, edc-1.svg that of the first of several.
std::string OneOf(const Verifying& verifying, std::size_t i, const std::string& path) {
  if (path.empty() || verifying.rows.size() == 1) return path;
  const std::filesystem::path whole(path);
  const std::string name = fmt::format("{}-{}{}", whole.stem().string(), i + 1, whole.extension().string());
  return (whole.parent_path() / name).string();
}

}  // namespace

int RunEvaluate(const Words& words) {
  CLI::App app("How well qualities predict a network's errors: error versus discard.", "prefiqs evaluate");
  EvaluationOptions options;
  std::vector<std::string> qualities, distances, inputs;
  Verifying verifying;
  std::string rates, plot, page, tables = "text";
  app.add_option(
         "--rows", verifying.rows,
         "What `score` or `embed` wrote: CSV with a column path. Several, with as many --embeddings, for several "
         "verifying networks, over which the areas are averaged too")
      ->type_name("FILE.csv")
      ->allow_extra_args(false)
      ->required();
  app.add_option("--embeddings", verifying.embeddings, "Of the verifying network, a row for each of those")
      ->type_name("FILE.npy")
      ->allow_extra_args(false)
      ->required();
  app.add_option("--mirrored", verifying.mirrored, "Embeddings of the mirrored pictures, which protocol A wants too")
      ->type_name("FILE.npy")
      ->allow_extra_args(false);
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

  Check(verifying);
  if (!plot.empty()) CheckPlotPath(plot);
  const TableForm form = ParseTableForm(tables);
  const bool show = isatty(STDERR_FILENO) != 0;
  options.on_progress = [&](int done) {
    if (show) Say(fmt::format("\r{} of {} resamples", done, options.resamples));
  };
  const std::string curves = options.curves;
  std::vector<EvaluationReport> reports;
  for (std::size_t i = 0; i < verifying.rows.size(); ++i) {
    options.rows = verifying.rows[i];
    options.embeddings = verifying.embeddings[i];
    if (!verifying.mirrored.empty()) options.mirrored = verifying.mirrored[i];
    options.curves = OneOf(verifying, i, curves);
    const std::string this_page = OneOf(verifying, i, page), this_plot = OneOf(verifying, i, plot);
    reports.push_back(this_page.empty() ? evaluate(options) : evaluate_to_page(options, this_page));
    if (show && options.resamples > 0) Say("\r\x1b[K");
    if (verifying.rows.size() > 1) fmt::print("verified by {}\n\n", options.embeddings);
    PrintErrorRates(reports[i], options.templates.empty() ? "images" : "templates", form);
    PrintAreas(reports[i], form);
    PrintHarm(reports[i], form);
    if (!this_plot.empty()) WriteEdcPlot(reports[i], this_plot);
  }
  if (reports.size() > 1) PrintMeanAreas(reports, form);
  return 0;
}

}  // namespace prefiqs::cli
