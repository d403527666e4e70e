#include <fmt/format.h>
#include <prefiqs/job.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <set>

#include "base/count.h"
#include "base/file.h"
#include "base/parallel.h"
#include "engine/twin.h"
#include "eval/npy_matrix.h"
#include "eval/table_file.h"
#include "face/selection.h"
#include "input/source.h"
#include "ops/tangent.h"
#include "pipeline/assessor_impl.h"
#include "pipeline/crop_folder.h"
#include "pipeline/network_impl.h"
#include "pipeline/ordered.h"
#include "pipeline/preprocess.h"
#include "pipeline/software.h"
#include "prune/prune.h"
#include "report/csv.h"
#include "report/row_writer.h"
#include "score/drift.h"
#include "score/rank_correlation.h"

namespace prefiqs {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int64_t kBatch = 16;  // pictures a thread takes at a time
constexpr std::int64_t kWindowPerThread = 4;
constexpr std::int64_t kMaxRowsBytes = std::int64_t{1} << 30;  // as many as are read as a table later
constexpr std::chrono::milliseconds kProgressInterval{250};

Status StatusNamed(std::string_view name) {
  for (const StatusInfo& one : statuses()) {
    if (one.name == name) return one.status;
  }
  throw Error(ErrorCode::kIo, fmt::format("a row has the status {}, which is none", Printable(name)));
}

// One picture as the whole network saw it.
struct Seen {
  std::string path;
  int face = -1;
  Status status = Status::kNoFace;
  std::string detail;
  std::string crop;  // file; empty: there is none to look at
};

struct Whole {
  std::vector<Seen> pictures;
  std::unique_ptr<const eval::NpyReader> embeddings;  // row by row: those of a large set do not fit
  std::string detector, guard, preprocessing;         // as its rows name them
};

Error OfOthers(const std::string& rows, std::string_view what) {
  return Error(ErrorCode::kUsage, fmt::format("{}: {}; a folder is for one network and one set of pictures: name "
                                              "another, or remove it",
                                              Printable(rows), what));
}

// Rows that an interrupted run left are of the first of these pictures: else what is appended would ruin them.
void CheckBegun(const std::string& rows, const std::vector<input::Item>& items) {
  if (!std::filesystem::exists(rows)) return;
  std::size_t records = 0, path = 0;
  report::CsvParser parser([&](const std::vector<std::string>& cells, std::int64_t) {
    const std::size_t i = records++;  // the header's is 0
    if (i == 0) {
      path = static_cast<std::size_t>(std::ranges::find(cells, "path") - cells.begin());
    } else if (path < cells.size() && i <= items.size() && cells[path] != items[i - 1].name) {
      throw OfOthers(
          rows, fmt::format("row {} is of {}, not of {}", i, Printable(cells[path]), Printable(items[i - 1].name)));
    }
  });
  const std::vector<std::uint8_t> bytes = ReadFile(rows, kMaxRowsBytes);
  parser.Feed({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (records > items.size() + 1) {
    throw OfOthers(rows, fmt::format("has rows of {}, not of {}", Count(records - 1, "picture"), items.size()));
  }
}

// What the first stage left.
Whole ReadWhole(const std::string& rows, const std::string& embeddings, const std::string& crops,
                const std::vector<input::Item>& items) {
  const eval::Table table = eval::ReadTable(rows);
  const std::size_t path = table.Require("path"), face = table.Require("face"), status = table.Require("status"),
                    detail = table.Require("detail"), norm = table.Require("embedding_norm");
  if (table.rows.size() != items.size()) {
    throw OfOthers(rows, fmt::format("has rows of {}, not of {}", Count(table.rows.size(), "picture"), items.size()));
  }
  Whole whole;
  whole.embeddings = std::make_unique<const eval::NpyReader>(embeddings);
  if (whole.embeddings->rows() != items.size()) {
    throw OfOthers(rows, fmt::format("has {}, {} has {}", Count(items.size(), "row"), Printable(embeddings),
                                     whole.embeddings->rows()));
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::vector<std::string>& cells = table.rows[i];
    if (cells[path] != items[i].name) {
      throw OfOthers(rows, fmt::format("line {} is of {}, not of {}", table.lines[i], Printable(cells[path]),
                                       Printable(items[i].name)));
    }
    Seen& seen = whole.pictures.emplace_back();
    seen.path = cells[path];
    seen.face = cells[face].empty() ? -1 : static_cast<int>(eval::NumberIn(table, i, face));
    seen.status = StatusNamed(cells[status]);
    seen.detail = cells[detail];
    if (cells[norm].empty()) continue;
    seen.crop = crops + "/" + pipeline::CropFolder::FileName(static_cast<std::int64_t>(i) + 1, seen.face, seen.path);
  }
  if (!table.rows.empty()) {
    whole.detector = table.rows[0][table.Require("detector")];
    whole.guard = table.rows[0][table.Require("guard")];
    whole.preprocessing = table.rows[0][table.Require("preprocessing")];
  }
  return whole;
}

// What is run of a recipe: the pruned network, or the whole one with its derivative.
enum class Kind { kPruned, kJvp };

// One of these over all crops.
class RecipeRun {
 public:
  RecipeRun(const Network& network, const SweepOptions& options, const Whole& whole, const SweepRun& run, Kind kind)
      : network_(network), options_(options), whole_(whole), kind_(kind), masks_(Masks(network, run.recipe)) {
    report::RunInfo info;
    info.method = kind == Kind::kJvp ? name(Method::kJvp) : "pruned";
    info.recipe = run.recipe.name();
    info.sparsity = fmt::format("{:.6f}", masks_.achieved_sparsity());
    info.network = network.content_hash();
    info.output = network.output();
    const Precision precision = kind == Kind::kJvp ? Precision::kFp32 : options.job.assessor.precision;
    info.precision = name(precision);
    pipeline::NameSoftware(options.job.assessor.executor, info);
    info.preprocessing = whole.preprocessing;
    info.detector = whole.detector;
    info.guard = whole.guard;
    graph::Graph graph = prune::ApplyMasks(network.impl().graph, masks_);
    if (kind == Kind::kJvp) graph = ops::WithTangent(network.impl().graph, graph);
    twin_ = engine::Twin::Compile(graph, nullptr, options.job.assessor.executor,
                                  {.precision = precision, .threads = options.job.assessor.threads});
    contexts_.emplace(*twin_);
    info.instruction_set = twin_->InstructionSet();
    writer_ = std::make_unique<report::RowWriter>(
        kind == Kind::kJvp ? report::RowWriterOptions{.output = run.jvp_rows,
                                                      .resume = std::filesystem::exists(run.jvp_rows),
                                                      .without_lock = options.job.without_lock}
                           : report::RowWriterOptions{.output = run.rows,
                                                      .embeddings = run.embeddings,
                                                      .resume = std::filesystem::exists(run.rows),
                                                      .without_lock = options.job.without_lock},
        std::move(info), network.embedding_size());
    for (std::size_t i = 0; i < whole.pictures.size(); ++i) {
      if (!writer_->TakeFinished(whole.pictures[i].path)) todo_.push_back(i);
    }
    if (!options.job.on_warning) return;
    // That the folder has no locks was said of the whole network's rows, which come first.
    for (const std::string& warning : writer_->Warnings(!todo_.empty())) options.job.on_warning(warning);
  }

  double achieved_sparsity() const { return masks_.achieved_sparsity(); }

  // False: stopped by on_progress.
  bool Run() {
    pipeline::OrderedRun<std::vector<report::Row>> run;
    run.threads = ThreadCount(options_.job.assessor.threads);
    run.count = (std::ssize(todo_) + kBatch - 1) / kBatch;
    run.window = kWindowPerThread * run.threads;
    run.work = [this](std::int64_t index, int worker) { return Assess(index, worker); };
    run.deliver = [this](std::vector<report::Row>&& rows) { Write(rows); };
    run.stop = &stop_;
    run.poll = [this] { Report(false); };
    pipeline::RunOrdered(run);
    writer_->Finish();
    Report(true);
    return written_ == std::ssize(todo_);
  }

 private:
  static prune::Masks Masks(const Network& network, const Recipe& recipe) {
    network.impl().CheckNotPruned();
    return network.impl().Masks(recipe);
  }

  std::vector<report::Row> Assess(std::int64_t index, int worker) {
    const auto context = contexts_->Take();
    std::vector<report::Row> rows;
    const auto first = static_cast<std::size_t>(index * kBatch);
    for (std::size_t k = first; k < std::min(todo_.size(), first + kBatch); ++k) {
      rows.push_back(AssessOne(*context, todo_[k]));
      done_.fetch_add(1, std::memory_order_relaxed);
      if (worker == 0) Report(false);
    }
    return rows;
  }

  report::Row AssessOne(engine::Context& context, std::size_t i) const {
    const Seen& seen = whole_.pictures[i];
    report::Row row{seen.path, seen.face, {}};
    Assessment& a = row.assessment;
    a.status = seen.status;
    a.detail = seen.detail;
    if (seen.crop.empty()) return row;
    const DecodedImage crop = Image::open(seen.crop);
    if (crop.status != Status::kOk) {
      throw Error(ErrorCode::kIo,
                  fmt::format("{}; the sweep's crops are not whole: name another --folder, or remove it", crop.detail));
    }
    const std::vector<float> input =
        pipeline::Preprocess(crop.image, network_.preprocessing(), network_.impl().channels);
    engine::TwinEmbedding embedding = std::move(twin_->Run(context, {&input, 1})[0]);
    if (!embedding.failure.empty()) {
      a.status = Status::kNotComputed;
      a.detail = embedding.failure;
    } else if (!(kind_ == Kind::kJvp ? MeasureTangent(embedding, a) : MeasurePruned(i, embedding, a))) {
      a.status = Status::kNoDirection;
      a.detail = fmt::format("the {} is zero or not finite",
                             kind_ == Kind::kJvp ? "embedding's derivative" : "pruned network's embedding");
    }
    return row;
  }

  bool MeasurePruned(std::size_t i, engine::TwinEmbedding& embedding, Assessment& a) const {
    std::vector<float> dense(whole_.embeddings->columns());
    whole_.embeddings->ReadRow(i, dense);
    const std::optional<double> drift = score::Drift(dense, embedding.dense);
    if (!drift) return false;
    a.drift = static_cast<float>(*drift);
    a.quality = static_cast<float>(score::Quality(*drift));
    a.pruned_norm = a.embedding_norm = static_cast<float>(score::Norm(embedding.dense));
    a.embedding = std::move(embedding.dense);
    return true;
  }

  static bool MeasureTangent(const engine::TwinEmbedding& embedding, Assessment& a) {
    const std::optional<double> sensitivity = score::Sensitivity(embedding.dense, embedding.pruned);
    if (!sensitivity) return false;
    a.sensitivity = static_cast<float>(*sensitivity);
    a.quality = static_cast<float>(score::Quality(*sensitivity));
    a.embedding_norm = static_cast<float>(score::Norm(embedding.dense));
    return true;
  }

  void Write(const std::vector<report::Row>& rows) {
    writer_->Append(rows);
    written_ += std::ssize(rows);
  }

  // By the calling thread alone.
  void Report(bool last) {
    const Clock::time_point now = Clock::now();
    if (!options_.job.on_progress || (!last && now - last_progress_ < kProgressInterval)) return;
    last_progress_ = now;
    JobProgress progress;
    progress.total = std::ssize(whole_.pictures);
    progress.skipped = progress.total - std::ssize(todo_);
    progress.done = progress.skipped + done_.load(std::memory_order_relaxed);
    progress.seconds = std::chrono::duration<double>(now - started_).count();
    if (!options_.job.on_progress(progress)) stop_ = true;
  }

  const Network& network_;
  const SweepOptions& options_;
  const Whole& whole_;
  Kind kind_;
  prune::Masks masks_;
  std::unique_ptr<const engine::Twin> twin_;
  std::optional<pipeline::ContextPool> contexts_;
  std::unique_ptr<report::RowWriter> writer_;
  std::vector<std::size_t> todo_;
  std::int64_t written_ = 0;
  std::atomic<std::int64_t> done_{0};
  std::atomic<bool> stop_{false};
  const Clock::time_point started_ = Clock::now();
  Clock::time_point last_progress_{};
};

double MeanDrift(const std::string& rows) {
  const eval::Table table = eval::ReadTable(rows);
  const std::size_t drift = table.Require("drift"), status = table.Require("status");
  double sum = 0;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    if (table.rows[i][status] != info(Status::kOk).name) continue;
    sum += eval::NumberIn(table, i, drift);
    ++count;
  }
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
}

// Drift and theory, side by side.
void Compare(SweepRun& run) {
  const eval::Table pruned = eval::ReadTable(run.rows), jvp = eval::ReadTable(run.jvp_rows);
  const std::size_t drift = pruned.Require("drift"), sensitivity = jvp.Require("sensitivity");
  for (std::size_t i = 0; i < std::min(pruned.rows.size(), jvp.rows.size()); ++i) {
    const double d = eval::NumberIn(pruned, i, drift), s = eval::NumberIn(jvp, i, sensitivity);
    if (!std::isfinite(d) || !std::isfinite(s)) continue;
    run.drifts.push_back(d);
    run.sensitivities.push_back(s);
  }
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  run.correlation = score::Correlation(run.drifts, run.sensitivities).value_or(kNone);
  run.rank_correlation = score::RankCorrelation(run.drifts, run.sensitivities).value_or(kNone);
}

void Check(const SweepOptions& options) {
  if (options.recipes.empty()) throw Error(ErrorCode::kUsage, "a sweep without recipes");
  if (options.job.shard_count > 1) throw Error(ErrorCode::kUsage, "a sweep is of all its pictures: no shards");
  if (std::ranges::find(options.job.inputs, "-") != options.job.inputs.end()) {
    throw Error(ErrorCode::kUsage, "a sweep reads its list of pictures more than once: give it as @FILE");
  }
  if (options.folder.empty()) throw Error(ErrorCode::kUsage, "a sweep needs a folder to keep its rows in");
  std::set<std::string> names;
  for (const Recipe& recipe : options.recipes) {
    recipe.validate();
    if (!names.insert(recipe.name()).second) {
      throw Error(ErrorCode::kUsage, fmt::format("recipe {} is there twice", recipe.name()));
    }
  }
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  if (error) throw Error(ErrorCode::kIo, fmt::format("{}: {}", Printable(options.folder), error.message()));
}

}  // namespace

SweepResult run_sweep(const Network& network, const SweepOptions& options) {
  Check(options);
  SweepResult result;
  result.rows = options.folder + "/whole.csv";
  result.embeddings = options.folder + "/whole.npy";
  const auto stage = [&](const std::string& text) {
    if (options.on_stage) options.on_stage(text);
  };

  const std::vector<input::Item> items = input::ListItems(options.job.inputs);
  CheckBegun(result.rows, items);
  stage("the whole network");
  JobOptions job = options.job;
  job.assessor.method = Method::kEmbedding;
  job.assessor.recipe.reset();
  job.assessor.mirror = false;  // the crops that are kept are not mirrored, and the pruned networks see those
  job.faces = face::OneFace(job.faces);
  job.gate.reset();
  job.rows = true;
  job.format = RowFormat::kCsv;
  job.output = result.rows;
  job.embeddings = result.embeddings;
  job.crops_folder = options.folder + "/crops";
  job.force = false;
  job.resume = std::filesystem::exists(result.rows);
  result.interrupted = run_job(network, job).interrupted;
  if (result.interrupted) return result;

  const Whole whole = ReadWhole(result.rows, result.embeddings, job.crops_folder, items);
  for (std::size_t i = 0; i < options.recipes.size(); ++i) {
    SweepRun run;
    run.recipe = options.recipes[i];
    run.rows = fmt::format("{}/{}.csv", options.folder, run.recipe.name());
    run.embeddings = fmt::format("{}/{}.npy", options.folder, run.recipe.name());
    if (options.jvp) run.jvp_rows = fmt::format("{}/{}-jvp.csv", options.folder, run.recipe.name());
    for (const Kind kind : {Kind::kPruned, Kind::kJvp}) {
      if (kind == Kind::kJvp && !options.jvp) continue;
      stage(fmt::format("{} of {}: {}{}", i + 1, options.recipes.size(), run.recipe.name(),
                        kind == Kind::kJvp ? ", to first order" : ""));
      RecipeRun recipe_run(network, options, whole, run, kind);
      if (!recipe_run.Run()) {
        result.interrupted = true;
        return result;
      }
      run.achieved_sparsity = recipe_run.achieved_sparsity();
    }
    run.mean_drift = MeanDrift(run.rows);
    if (options.jvp) Compare(run);
    result.runs.push_back(std::move(run));
  }
  return result;
}

}  // namespace prefiqs
