// `prefiqs evaluate`.
#include <fmt/format.h>
#include <prefiqs/evaluation.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/edc_plot.h"
#include "cli/evaluate_pictures.h"
#include "cli/evaluation_tables.h"
#include "cli/gnuplot.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/table.h"

namespace prefiqs::cli {
namespace {

// In place of PAIRS: the mean over data sets, whose tables follow.
constexpr std::string_view kMean = "mean";

constexpr const char* kExamples = R"(Examples:
  prefiqs evaluate lfw/pairs.txt --rows lfw.csv --embeddings lfw.npy
      of what this wrote: prefiqs score lfw/images --model arcface.onnx ... --output lfw.csv --embeddings lfw.npy
  prefiqs evaluate cfp/Protocol/Split/FP --rows cfp.csv --embeddings cfp.npy --quality drift=cfp.csv \
      --quality crfiqa=other.csv:score --quality blur=blur.csv:sharpness --fmr 1e-3 --curves edc.csv
  prefiqs evaluate all --rows a.csv --embeddings a.npy --rows b.csv --embeddings b.npy --quality drift=a.csv
      verified by two networks; files of --plot, --html and --curves are numbered
  prefiqs evaluate ijbc_template_pair_label.txt --templates ijbc_face_tid_mid.txt --rows ijbc.csv --embeddings ijbc.npy
  prefiqs evaluate all --identities fold_0_data.txt --identities fold_1_data.txt --rows adience.csv \
      --embeddings adience.npy
      Adience: two of its folds, every face with every other one
  prefiqs evaluate lfw/pairs.txt lfw/images --network arcface.onnx --preset arcface --work lfw-work
      all of it in one: runs the network and its pruned copy over the pictures, and keeps what they say in the folder,
      so that a second call, or one that goes on where it was interrupted, does not do it again
  prefiqs evaluate cfp/Protocol/Split/FP cfp/Data/Images --network arcface.onnx:arcface --network vface.onnx:imagenet \
      --method drift --method norm --method ours=onnx:crfiqa.onnx:arcface --sparsity 0.2 --scope layer --work cfp-work
      two verifying networks, and the mean over them; the drift is the first one's (or --model's); each picture is
      read, searched and aligned once for all of them
  prefiqs evaluate lfw.bin --network arcface.onnx --preset arcface --method drift --aligned --work bin-work
  prefiqs evaluate lfw/pairs.txt --rows lfw.csv --embeddings lfw.npy --start-fnmr 0.05 --start-fmr 0.001
      protocol B by stated starting errors: of false non-matches, and of false matches
  prefiqs evaluate lfw/pairs.txt --rows lfw.csv --embeddings lfw.npy --tables csv > table.csv
  prefiqs evaluate mean lfw=table.csv cfp=cfp-table.csv xqlfw=xqlfw-table.csv
      pAUCs of several data sets side by side, and their mean, in which XQLFW does not count
  prefiqs evaluate lfw/pairs.txt --rows lfw.csv --embeddings lfw.npy --html lfw.html
      curves to hover over, the worst and the best faces, and the pairs behind the errors; from the folder that `score`
      ran in, so that the pictures are found

PAIRS: a CSV file with file_a, file_b, mated (and fold, identity_a, identity_b if known), LFW's pairs.txt, CFP's
Protocol/Split/FF or FP, or an InsightFace set FILE.bin; or the word all: every picture of the rows with every other
one, people being the folders they lie in, or the rows' column identity, or what --identities say. A name stands for the path it is the end of;
extensions do not matter.

Areas under error-versus-discard curves, times 1000, lower is better, by three protocols: A discards pairs and finds the
threshold anew (CR-FIQA and its successors), B keeps one threshold (ISO/IEC 29794-1; area above the best possible), C
discards images (FaceQAN and its successors). Intervals hold 95 % of the resamples of people; "better" is the share of
resamples in which a method beats the first one. "ties" is how far the area moves when equally good comparisons are
discarded in the other order; "normalised" is C's area up to 30 % by 0.3 times the FNMR without discarding.)";

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

void Check(const Verifying& verifying) {
  const std::size_t count = verifying.rows.size();
  for (const auto* files : {&verifying.rows, &verifying.embeddings, &verifying.mirrored}) {
    for (const std::string& file : *files) {
      const std::size_t array = file.rfind(".npz:");  // FILE.npz:NAME
      if (std::filesystem::exists(file)) continue;
      if (array != std::string::npos && std::filesystem::exists(file.substr(0, array + 4))) continue;
      throw Error(ErrorCode::kIo, file + ": there is no such file");
    }
  }
  if (verifying.embeddings.size() != count || (!verifying.mirrored.empty() && verifying.mirrored.size() != count)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} --rows, {} --embeddings, {} --mirrored: as many of each, in the same order", count,
                            verifying.embeddings.size(), verifying.mirrored.size()));
  }
}

// The file of network i: edc.svg is that of one network, edc-1.svg that of the first of several.
std::string OneOf(std::size_t networks, std::size_t i, const std::string& path) {
  if (path.empty() || networks == 1) return path;
  const std::filesystem::path whole(path);
  const std::string name = fmt::format("{}-{}{}", whole.stem().string(), i + 1, whole.extension().string());
  return (whole.parent_path() / name).string();
}

// PAIRS, then the pictures, which a verification set is itself.
void TakeInputs(std::vector<std::string> inputs, bool runs_pictures, EvaluationOptions& options,
                PictureArguments& pictures) {
  options.pairs = inputs[0];
  inputs.erase(inputs.begin());
  if (!runs_pictures && !inputs.empty()) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("evaluate takes one list of pairs; {} would be pictures, for --network or --method: prefiqs "
                    "evaluate --help",
                    inputs[0]));
  }
  if (runs_pictures && inputs.empty()) {
    if (std::filesystem::path(options.pairs).extension() != ".bin") {
      throw Error(ErrorCode::kUsage,
                  "--network and --method want the pictures behind PAIRS: files, folders or @lists as for score");
    }
    inputs.push_back(options.pairs);
  }
  pictures.run.job.inputs = std::move(inputs);
}

// What would have no effect is refused: a run must be what was asked for.
void CheckNothingToRun(const CLI::App& app) {
  for (const char* option :
       {"--work",     "--keep-crops",  "--without-lock", "--template", "--model",     "--no-mirror",   "--preset",
        "--size",     "--output-name", "--channels",     "--mean",     "--scale",     "--sidecar",     "--recipe",
        "--sparsity", "--granularity", "--criterion",    "--scope",    "--from",      "--recipe-seed", "--aligned",
        "--detector", "--landmarks",   "--guard",        "--faces",    "--max-faces", "--min-face",    "--precision",
        "--executor", "--batch",       "--search",       "--turn"}) {
    if (app.count(option) == 0) continue;
    throw Error(ErrorCode::kUsage,
                fmt::format("{} is of pictures that are run, by --network or --method: nothing is run here, leave it "
                            "out",
                            option));
  }
}

// NAME=TABLE.csv; without a name, the file's is the set's.
std::vector<EvaluationTable> ParseSets(const std::vector<std::string>& texts) {
  std::vector<EvaluationTable> tables;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    const bool named = equals != std::string::npos && !std::filesystem::exists(text);
    const std::string path = named ? text.substr(equals + 1) : text;
    tables.push_back({named ? text.substr(0, equals) : std::filesystem::path(path).stem().string(), path});
  }
  return tables;
}

void CheckNothingBeside(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || name == "INPUT" || name == "--tables") continue;
    throw Error(ErrorCode::kUsage, fmt::format("{} is of tables that are there: leave {} out", kMean, name));
  }
}

// --quality NAME=onnx:FILE is of a network that is run, as --method NAME=onnx:FILE.
void MoveNetworks(std::vector<std::string>& qualities, std::vector<std::string>& methods) {
  const auto is_network = [](const std::string& text) {
    const std::size_t equals = text.find('='), colon = text.find(':');
    return text.substr(equals < colon ? equals + 1 : 0).starts_with("onnx:");
  };
  const auto others = std::stable_partition(qualities.begin(), qualities.end(), std::not_fn(is_network));
  methods.insert(methods.end(), others, qualities.end());
  qualities.erase(others, qualities.end());
}

// Says no more than that there are none, where the networks' people differ.
EvaluationMean MeanOf(const std::vector<EvaluationReport>& reports, int resamples) {
  EvaluationMean mean = mean_of(reports);
  if (!mean.same_draws && resamples > 0) {
    Say("prefiqs: the mean has no intervals: the networks' rows are not of the same pictures in the same order\n");
  }
  return mean;
}

}  // namespace

int RunEvaluate(const Words& words) {
  CLI::App app("How well qualities predict a network's errors: error versus discard.", "prefiqs evaluate");
  EvaluationOptions options;
  std::vector<std::string> qualities, distances, inputs;
  Verifying verifying;
  PictureArguments pictures;
  std::string rates, starts, match_starts, plot, page, tables = "text";
  app.add_option(
         "--rows", verifying.rows,
         "What `score` or `embed` wrote: CSV with a column path. Several, with as many --embeddings, for several "
         "verifying networks, over which the areas are averaged too")
      ->type_name("FILE.csv")
      ->allow_extra_args(false);
  app.add_option("--embeddings", verifying.embeddings,
                 "Of the verifying network, a row for each of those; or an array of an archive, FILE.npz:NAME")
      ->type_name("FILE.npy")
      ->allow_extra_args(false);
  app.add_option("--mirrored", verifying.mirrored, "Embeddings of the mirrored pictures, which protocol A wants too")
      ->type_name("FILE.npy")
      ->allow_extra_args(false);
  app.add_option("--templates", options.templates,
                 "IJB's face_tid_mid.txt, lines NAME TID MID: PAIRS is IJB's template_pair_label.txt, lines TID TID "
                 "LABEL")
      ->type_name("FILE.txt");
  app.add_flag(
      "--skip-unscored", options.skip_unscored,
      "Of templates: pictures without a quality are left out, as those without an embedding are; else they make "
      "their template the worst");
  app.add_option(
         "--identities", options.identities,
         "With the pairs all: who is on which picture, by Adience's fold files (fold_0_data.txt), lists of FERET's "
         "pictures, or a CSV file with path and identity; pictures of no such file are left out; any number of times")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--quality", qualities,
                 "A method's scores, higher is better: a CSV file with names and a column quality, or the one that is "
                 "named, or lines of a name and a number; or onnx:FILE[:PRESET], as with --method; any number of times "
                 "[the rows' quality, norms, confidence, sharpness and uniformity]")
      ->type_name("NAME=FILE[:COLUMN]")
      ->allow_extra_args(false);
  app.add_option("--distance", distances, "As --quality, where lower is better")
      ->type_name("NAME=FILE[:COLUMN]")
      ->allow_extra_args(false);
  app.add_option("--fmr", rates, "False match rates [0.01,0.001,0.0001]")->type_name("RATE,...");
  app.add_option("--start-fnmr", starts,
                 "Protocol B besides, with the threshold at which this share of the mated comparisons are errors")
      ->type_name("RATE,...");
  app.add_option("--start-fmr", match_starts,
                 "Protocol B's other curve besides: false matches, by the threshold at which this share of the "
                 "non-mated comparisons are errors")
      ->type_name("RATE,...");
  app.add_option("--resamples", options.resamples, "Of people, for intervals and comparisons [200]")->type_name("N");
  app.add_option("--seed", options.seed, "Of the resamples and of the random method [1]")
      ->type_name("N")
      ->check(FromZero<std::uint64_t>());
  app.add_option("--curves", options.curves, "Writes the curves' points there")->type_name("FILE.csv");
  app.add_option("--tables", tables,
                 "text, markdown, latex (booktabs), or csv: one table and nothing else on standard output [text]")
      ->type_name("FORM");
  app.add_option("--plot", plot, "Draws the curves with gnuplot; bands hold 95 % of the resamples")
      ->type_name("FILE.svg|pdf|png");
  app.add_option("--html", page, "Writes a page with curves, faces and errors, which needs nothing else")
      ->type_name("FILE.html");
  AddPictureOptions(app, pictures);
  AddExecutionOptions(app, pictures.run);
  app.footer(kExamples);
  if (!ParseWithInputs(app, words,
                       "PAIRS: which pictures are compared, see below; with --network or --method then the pictures",
                       inputs)) {
    return 0;
  }
  if (inputs[0] == kMean && inputs.size() > 1) {
    CheckNothingBeside(app);
    PrintSetsMean(mean_over_sets(ParseSets({inputs.begin() + 1, inputs.end()})), ParseTableForm(tables));
    return 0;
  }
  MoveNetworks(qualities, pictures.methods);
  const bool runs_pictures = !pictures.networks.empty() || !pictures.methods.empty();
  if (!runs_pictures) CheckNothingToRun(app);
  if (!runs_pictures && page.empty() && app.count("--max-pixels") > 0) {
    throw Error(ErrorCode::kUsage,
                "--max-pixels is of pictures that are run, by --network or --method, or shown by --html");
  }
  TakeInputs(inputs, runs_pictures, options, pictures);
  options.threads = pictures.run.job.assessor.threads;
  options.limits = pictures.run.job.limits;
  for (const std::string& text : qualities) options.qualities.push_back(ParseQuality(text));
  for (const std::string& text : distances) {
    options.qualities.push_back(ParseQuality(text));
    options.qualities.back().lower_is_better = true;
  }
  if (!rates.empty()) options.fmrs = ParseList(rates, "--fmr");
  if (!starts.empty()) options.false_non_match_starts = ParseList(starts, "--start-fnmr");
  if (!match_starts.empty()) options.false_match_starts = ParseList(match_starts, "--start-fmr");

  // What would be said after hours is said before.
  Check(verifying);
  const std::size_t networks = verifying.rows.size() + pictures.networks.size();
  if (networks == 0)
    throw Error(ErrorCode::kUsage, "evaluate needs --rows and --embeddings, or --network: prefiqs evaluate --help");
  if (!plot.empty()) CheckPlotPath(plot);
  const TableForm form = ParseTableForm(tables);
  std::vector<std::string> outputs;
  for (const std::string& path : {options.curves, page, plot}) {
    for (std::size_t i = 0; i < networks && !path.empty(); ++i) outputs.push_back(OneOf(networks, i, path));
  }
  const std::string curves = std::exchange(options.curves, {});
  const auto check = [&, asked = options] { check_evaluation(asked, pictures.run.job.inputs, outputs); };
  if (!runs_pictures) {
    check();
  } else if (!RunPictures(pictures, check, verifying, options.qualities)) {
    Say("prefiqs: interrupted; the same command goes on from there\n");
    return InterruptedStatus();
  }
  const bool show = isatty(STDERR_FILENO) != 0;
  options.on_progress = [&](int done) {
    if (show) Say(fmt::format("\r{} of {}", done, Count(options.resamples, "resample")));
  };
  std::vector<EvaluationReport> reports;
  for (std::size_t i = 0; i < verifying.rows.size(); ++i) {
    options.rows = verifying.rows[i];
    options.embeddings = verifying.embeddings[i];
    if (!verifying.mirrored.empty()) options.mirrored = verifying.mirrored[i];
    options.curves = OneOf(networks, i, curves);
    const std::string this_page = OneOf(networks, i, page), this_plot = OneOf(networks, i, plot);
    reports.push_back(this_page.empty() ? evaluate(options) : evaluate_to_page(options, this_page));
    if (show && options.resamples > 0) Say("\r\x1b[K");
    std::string said = networks > 1 ? fmt::format("verified by {}\n\n", options.embeddings) : std::string();
    said += DescribeComparisons(reports[i], options.templates.empty() ? "image" : "template");
    if (form == TableForm::kCsv) {  // programs want the table alone
      Say(said);
    } else {
      fmt::print("{}", said);
      PrintErrorRates(reports[i], form);
      PrintAreas(reports[i], form);
      PrintHarm(reports[i], form);
    }
    if (!this_plot.empty() && !WriteEdcPlot(reports[i], this_plot)) {
      Say(fmt::format("prefiqs: --plot {}: not drawn: no FMR has enough non-mated comparisons for a curve\n",
                      this_plot));
    }
  }
  const EvaluationMean mean = networks > 1 ? MeanOf(reports, options.resamples) : EvaluationMean();
  if (form == TableForm::kCsv) {
    PrintCsv(reports, verifying.embeddings, mean);
  } else {
    PrintMeanAreas(mean, networks, form);
  }
  return 0;
}

}  // namespace prefiqs::cli
