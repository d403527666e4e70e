#include <prefiqs/assessor.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "image/format.h"
#include "pipeline/assessor_impl.h"
#include "pipeline/network_impl.h"
#include "pipeline/ordered.h"
#include "pipeline/preprocess.h"
#include "prune/prune.h"
#include "score/drift.h"

namespace prefiqs {
namespace {

constexpr int kMirrored = 2;  // as an orientation of Exif: left and right exchanged

}  // namespace

namespace pipeline {

ContextPool::Lease::~Lease() {
  const std::lock_guard lock(pool_.mutex_);
  pool_.free_.push_back(std::move(context_));
}

ContextPool::Lease ContextPool::Take() {
  std::unique_ptr<engine::Context> context;
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      context = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (context == nullptr) context = twin_.NewContext();
  return Lease(*this, std::move(context));
}

namespace {

void Score(engine::TwinEmbedding embedding, bool pruned, const std::optional<Calibration>& calibration,
           Assessment& assessment) {
  if (!embedding.failure.empty()) {
    assessment.status = Status::kNotComputed;
    assessment.detail = std::move(embedding.failure);
    return;
  }
  const double norm = score::Norm(embedding.dense);
  std::optional<double> drift;
  if (pruned) drift = score::Drift(embedding.dense, embedding.pruned);
  if (!std::isfinite(norm) || norm == 0 || (pruned && !drift)) {
    assessment.status = Status::kNoDirection;
    const bool dense_is_it = !std::isfinite(norm) || norm == 0;
    assessment.detail =
        fmt::format("the {} network's embedding is zero or not finite", dense_is_it ? "whole" : "pruned");
    return;
  }
  assessment.status = Status::kOk;
  assessment.embedding_norm = static_cast<float>(norm);
  if (drift) {
    assessment.drift = static_cast<float>(*drift);
    assessment.quality = static_cast<float>(score::Quality(*drift));
    if (calibration) assessment.scalar = calibration->scalar(assessment.quality);
  }
  assessment.embedding = std::move(embedding.dense);
}

bool InDoubt(const Assessment& assessment, const AssessorOptions& options) {
  if (!options.guard || assessment.status != Status::kOk) return false;
  return !assessment.face || !(assessment.face->confidence >= options.guard_under);
}

void Guard(const Detector& guard, const Image& crop, Assessment& assessment) {
  try {
    if (guard.sees_face(crop)) return;
    assessment.status = Status::kNotAFace;
    assessment.detail = "the guard sees no face in the crop";
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kModel) throw;
    const std::optional<Face> face = assessment.face;
    assessment = {};
    assessment.face = face;
    assessment.status = Status::kNotComputed;
    assessment.detail = fmt::format("the guard: {}", error.what());
  }
  assessment.scalar = -1;
}

std::unique_ptr<const engine::Twin> CompileTwin(const Network::Impl& network, const AssessorOptions& options,
                                                const Recipe& recipe, double& achieved_sparsity) {
  if (options.threads < 0) {
    throw Error(ErrorCode::kUsage, fmt::format("threads: {} is below 0 (0 means all cores)", options.threads));
  }
  if (!(options.min_face >= 0)) {
    throw Error(ErrorCode::kUsage, fmt::format("smallest face: {} is no number of pixels", options.min_face));
  }
  if (!options.prune) return engine::Twin::Compile(network.graph, nullptr, options.executor);
  network.CheckNotPruned();
  const prune::Masks masks = prune::ComputeMasks(network.graph, recipe);
  achieved_sparsity = masks.achieved_sparsity();
  const graph::Graph pruned = prune::ApplyMasks(network.graph, masks);
  return engine::Twin::Compile(network.graph, &pruned, options.executor);
}

std::optional<Calibration> Fitting(const Network& network, const AssessorOptions& options, const Recipe& recipe) {
  std::optional<Calibration> calibration = network.calibration();
  const bool fits = options.prune && calibration && calibration->recipe == recipe &&
                    calibration->preprocessing == network.preprocessing();
  return fits ? calibration : std::nullopt;
}

}  // namespace
}  // namespace pipeline

Assessor::Impl::Impl(const Network& the_network, const AssessorOptions& the_options)
    : network(the_network),
      options(the_options),
      recipe(options.recipe ? *options.recipe : network.stored_recipe().value_or(Recipe{})),
      calibration(pipeline::Fitting(network, options, recipe)),
      twin(pipeline::CompileTwin(network.impl(), options, recipe, achieved_sparsity)),
      contexts(*twin) {}

pipeline::FaceOptions Assessor::Impl::Faces(FaceSelection selection) const {
  return {.detector = options.detector ? &*options.detector : nullptr,
          .min_face = options.min_face,
          .selection = selection,
          .width = network.input_width(),
          .height = network.input_height()};
}

void Assessor::Impl::Assess(engine::Context& context, std::span<pipeline::FaceCandidate* const> candidates) const {
  // A micro-batch at a time: as floats, crops are four times as large.
  const auto step = static_cast<std::size_t>(twin->micro_batch());
  std::vector<std::vector<float>> inputs;
  for (std::size_t first = 0; first < candidates.size(); first += step) {
    const auto group = candidates.subspan(first, std::min(step, candidates.size() - first));
    inputs.clear();
    for (const pipeline::FaceCandidate* candidate : group) {
      const Image& crop = *candidate->crop;
      inputs.push_back(
          pipeline::Preprocess(options.mirror ? image::Upright(crop, kMirrored) : crop, network.preprocessing()));
    }
    std::vector<engine::TwinEmbedding> embeddings = twin->Run(context, inputs);
    for (std::size_t i = 0; i < group.size(); ++i) {
      Assessment& assessment = group[i]->assessment;
      pipeline::Score(std::move(embeddings[i]), options.prune, calibration, assessment);
      if (pipeline::InDoubt(assessment, options)) pipeline::Guard(*options.guard, *group[i]->crop, assessment);
    }
  }
}

Assessor::Assessor(const Network& network, const AssessorOptions& options)
    : impl_(std::make_shared<const Impl>(network, options)) {}

namespace {

template <typename Picture>
Assessment AssessBest(const Assessor::Impl& impl, const Picture& picture) {
  std::vector<pipeline::FaceCandidate> candidates = pipeline::FindFaces(picture, impl.Faces(FaceSelection::kBest));
  pipeline::FaceCandidate* const best = &candidates.front();
  if (best->crop) {
    const auto context = impl.contexts.Take();
    impl.Assess(*context, {&best, 1});
  }
  return std::move(best->assessment);
}

}  // namespace

Assessment Assessor::assess(const Image& image) const { return AssessBest(*impl_, image); }
Assessment Assessor::assess(const DecodedImage& image) const { return AssessBest(*impl_, image); }

std::vector<Assessment> Assessor::assess(std::span<const Image> images) const {
  std::vector<Assessment> results;
  results.reserve(images.size());
  const auto step = static_cast<std::size_t>(impl_->twin->micro_batch());
  pipeline::OrderedRun<std::vector<pipeline::FaceCandidate>> run;
  run.threads = pipeline::ThreadCount(impl_->options.threads);
  run.count = static_cast<std::int64_t>((images.size() + step - 1) / step);
  run.window = run.count;  // the results are kept anyway
  run.work = [&](std::int64_t index, int) {
    const std::size_t first = static_cast<std::size_t>(index) * step;
    std::vector<pipeline::FaceCandidate> group;
    for (const Image& image : images.subspan(first, std::min(step, images.size() - first))) {
      group.push_back(std::move(pipeline::FindFaces(image, impl_->Faces(FaceSelection::kBest)).front()));
    }
    std::vector<pipeline::FaceCandidate*> with_crop;
    for (pipeline::FaceCandidate& candidate : group) {
      if (candidate.crop) with_crop.push_back(&candidate);
    }
    const auto context = impl_->contexts.Take();
    impl_->Assess(*context, with_crop);
    for (pipeline::FaceCandidate& candidate : group) candidate.crop.reset();
    return group;
  };
  run.deliver = [&](std::vector<pipeline::FaceCandidate>&& group) {
    for (pipeline::FaceCandidate& candidate : group) results.push_back(std::move(candidate.assessment));
  };
  pipeline::RunOrdered(run);
  return results;
}

const Recipe& Assessor::recipe() const { return impl_->recipe; }
double Assessor::achieved_sparsity() const { return impl_->achieved_sparsity; }
std::string Assessor::instruction_set() const { return impl_->twin->InstructionSet(); }
const Network& Assessor::network() const { return impl_->network; }
std::optional<Calibration> Assessor::calibration() const { return impl_->calibration; }

}  // namespace prefiqs
