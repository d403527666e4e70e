#include <fmt/format.h>
#include <prefiqs/job.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/count.h"
#include "base/file.h"
#include "input/source.h"
#include "pipeline/kept_crops.h"
#include "pipeline/pass.h"
#include "pipeline/picture_stream.h"

namespace prefiqs {
namespace {

void Check(const JobOptions& options) {
  if (options.inputs.empty()) throw Error(ErrorCode::kUsage, "no inputs: name pictures, folders or lists");
  if (options.shard_count < 1 || options.shard_index < 1 || options.shard_index > options.shard_count) {
    throw Error(ErrorCode::kUsage, fmt::format("shard {}/{}: the first number is from 1 to the second",
                                               options.shard_index, options.shard_count));
  }
  if (options.batch < 0) throw Error(ErrorCode::kUsage, fmt::format("batch {}: from 1 up, or 0", options.batch));
}

// Before the outputs are made: names for which two rows stand are refused there.
void CheckLandmarks(const JobOptions& options, const std::vector<input::Item>& items) {
  if (!options.assessor.landmarks) return;
  const GivenLandmarks& landmarks = *options.assessor.landmarks;
  std::vector<std::string_view> names;
  for (const input::Item& item : items) names.push_back(item.name);
  const GivenLandmarks::Coverage coverage = landmarks.coverage(names);
  if (!options.on_warning || (coverage.without_row == 0 && coverage.unused == 0)) return;
  options.on_warning(fmt::format("{}: {} without a row there, which {} {}; {} of its {} of no picture of this run",
                                 Printable(landmarks.path()), Count(coverage.without_row, "picture"),
                                 WordFor(coverage.without_row, "gets", "get"), info(Status::kNoFace).name,
                                 coverage.unused, Count(landmarks.faces(), "face is", "faces are")));
}

std::vector<input::Item> List(const JobOptions& options, std::map<std::string, std::int64_t>& skipped) {
  std::vector<input::Item> items = input::ListItems(options.inputs, [&](std::string_view path, std::string_view kind) {
    ++skipped[std::string(kind)];
    if (options.on_skipped) options.on_skipped(path, kind);
  });
  CheckLandmarks(options, items);
  std::erase_if(
      items, [&](const input::Item& item) { return (item.number - options.shard_index) % options.shard_count != 0; });
  return items;
}

void WarnIfSlow(const JobOptions& options) {
  if (const std::string slower = slower_than_fp32(options.assessor.precision); options.on_warning && !slower.empty()) {
    options.on_warning(slower);
  }
}

}  // namespace

JobSummary run_job(const Network& network, const JobOptions& options) {
  Check(options);
  std::map<std::string, std::int64_t> skipped;
  std::vector<input::Item> items = List(options, skipped);
  pipeline::Pass pass(network, options, items);
  WarnIfSlow(options);
  pipeline::PictureStream(options, std::move(items), {&pass}, {nullptr}).Run();
  JobSummary summary = pass.Finish();
  summary.skipped = std::move(skipped);
  return summary;
}

namespace {

void Check(const PassesOptions& options) {
  Check(options.job);
  if (options.job.shard_count > 1) {
    throw Error(ErrorCode::kUsage, "several passes are over all their pictures: no shards");
  }
  if (options.passes.empty()) throw Error(ErrorCode::kUsage, "no passes: name what is to be said of the pictures");
  if (options.keep_crops && options.crops.empty()) {
    throw Error(ErrorCode::kUsage, "crops are to be kept: name a folder for them");
  }
  std::set<std::string> outputs;
  for (const NetworkPass& pass : options.passes) {
    if (pass.output.empty()) throw Error(ErrorCode::kUsage, "a pass of several needs a file for its rows");
    if (outputs.insert(pass.output).second) continue;
    throw Error(ErrorCode::kUsage, fmt::format("{}: two passes would write it", Printable(pass.output)));
  }
}

JobOptions OptionsOf(const NetworkPass& pass, const JobOptions& shared) {
  JobOptions job = shared;
  job.assessor.method = pass.method;
  job.assessor.recipe = pass.recipe;
  job.assessor.mirror = pass.mirror;
  job.assessor.guarded = job.assessor.guarded && pass.guarded;
  job.gate.reset();
  job.rows = true;
  job.output = pass.output;
  job.embeddings = pass.embeddings;
  job.crops_folder.clear();
  job.force = false;
  std::error_code ignored;
  job.resume = std::filesystem::exists(pass.output, ignored);
  job.on_face = {};
  return job;
}

// The passes that have something to do; the tables of the others are finished.
class OpenPasses {
 public:
  OpenPasses(const PassesOptions& options, const JobOptions& shared, std::span<const input::Item> items,
             PassesSummary& summary, PassesPlan& plan) {
    for (std::size_t i = 0; i < options.passes.size(); ++i) {
      const NetworkPass& wanted = options.passes[i];
      const JobOptions job = OptionsOf(wanted, shared);
      auto pass = std::make_unique<pipeline::Pass>(wanted.network, job, items, Like(wanted.network, job.assessor));
      if (const std::int64_t pictures = pass->summary().earlier + pass->to_do(); pictures != std::ssize(items)) {
        throw Error(ErrorCode::kUsage,
                    fmt::format("{}: rows of {}, and now there are {}: name another folder, or remove "
                                "it",
                                Printable(wanted.output), Count(pictures, "picture"), items.size()));
      }
      plan.to_do.push_back(pass->to_do());
      if (pass->to_do() == 0) {
        summary.tables[i] = pass->Finish();
        continue;
      }
      pointers_.push_back(pass.get());
      passes_.push_back(std::move(pass));
      indices_.push_back(i);
    }
  }

  const std::vector<pipeline::Pass*>& pointers() const { return pointers_; }

  void Finish(std::span<const double> stage_seconds, PassesSummary& summary) {
    summary.look_seconds = stage_seconds[0];
    for (std::size_t k = 0; k < passes_.size(); ++k) {
      summary.tables[indices_[k]] = passes_[k]->Finish();
      summary.pass_seconds[indices_[k]] = stage_seconds[1 + k];
      summary.interrupted = summary.interrupted || summary.tables[indices_[k]].interrupted;
    }
  }

 private:
  const Assessor::Impl* Like(const Network& network, const AssessorOptions& options) const {
    for (const auto& pass : passes_) {
      if (pass->assessor().impl().CompilesLike(network, options)) return &pass->assessor().impl();
    }
    return nullptr;
  }

  std::vector<std::unique_ptr<pipeline::Pass>> passes_;
  std::vector<pipeline::Pass*> pointers_;
  std::vector<std::size_t> indices_;  // among the options' passes
};

// For each shape of crops, null where there is nothing to use or keep.
std::vector<std::unique_ptr<pipeline::KeptCrops>> OpenCrops(const PassesOptions& options, const JobOptions& shared,
                                                            std::span<pipeline::Pass* const> passes) {
  std::vector<std::unique_ptr<pipeline::KeptCrops>> kept;
  for (const pipeline::CropShape& shape : pipeline::ShapesOf(passes)) {
    kept.push_back(options.crops.empty()
                       ? nullptr
                       : pipeline::KeptCrops::Open({.folder = options.crops,
                                                    .shape = shape,
                                                    .made_with = pipeline::MadeWithOf(shape, passes[0]->Faces()),
                                                    .keep = options.keep_crops,
                                                    .without_lock = shared.without_lock,
                                                    .on_warning = shared.on_warning}));
  }
  return kept;
}

// How many of the pictures have their crops already, and what the others' take.
void PlanCrops(std::span<const input::Item> items, std::span<pipeline::Pass* const> passes,
               std::span<const std::unique_ptr<pipeline::KeptCrops>> kept, PassesPlan& plan) {
  const std::vector<pipeline::CropShape> shapes = pipeline::ShapesOf(passes);
  for (std::size_t s = 0; s < shapes.size(); ++s) {
    if (kept[s] && kept[s]->keeps()) plan.crop_bytes += pipeline::RecordBytes(shapes[s]);
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    bool wanted = false, there = true;
    for (const pipeline::Pass* pass : passes) {
      if (!pass->Wants(i)) continue;
      wanted = true;
      const auto s = static_cast<std::size_t>(std::ranges::find(shapes, pass->shape()) - shapes.begin());
      there = there && kept[s] && kept[s]->Has(items[i].name);
    }
    plan.to_look_at += wanted ? 1 : 0;
    plan.kept += wanted && there ? 1 : 0;
  }
}

}  // namespace

PassesSummary run_passes(const PassesOptions& options) {
  Check(options);
  PassesSummary summary;
  summary.tables.resize(options.passes.size());
  summary.pass_seconds.resize(options.passes.size());
  JobOptions shared = options.job;
  if (options.job.on_warning) {  // what is true of all passes is said once
    shared.on_warning = [&options, said = std::make_shared<std::set<std::string>>()](const std::string& text) {
      if (said->insert(text).second) options.job.on_warning(text);
    };
  }
  std::vector<input::Item> items = List(shared, summary.skipped);
  PassesPlan plan;
  plan.pictures = std::ssize(items);
  OpenPasses open(options, shared, items, summary, plan);
  std::vector<std::unique_ptr<pipeline::KeptCrops>> kept;
  if (!open.pointers().empty()) {
    kept = OpenCrops(options, shared, open.pointers());
    PlanCrops(items, open.pointers(), kept, plan);
  }
  if (options.on_plan) options.on_plan(plan);
  if (open.pointers().empty()) return summary;
  WarnIfSlow(shared);
  std::vector<pipeline::KeptCrops*> crops;
  for (const auto& one : kept) crops.push_back(one.get());
  pipeline::PictureStream stream(shared, std::move(items), open.pointers(), std::move(crops));
  stream.Run();
  open.Finish(stream.stage_seconds(), summary);
  summary.read = stream.counts().read;
  summary.searched = stream.counts().searched;
  summary.cut = stream.counts().cut;
  for (const auto& one : kept) {
    if (!one) continue;
    one->Finish();
    summary.crops_used += one->used();
    summary.crops_changed += one->changed();
    summary.crops_damaged += one->damaged();
  }
  return summary;
}

}  // namespace prefiqs
