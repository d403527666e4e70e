#include <prefiqs/assessor.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <thread>

#include "base/file.h"
#include "base/parallel.h"
#include "image/format.h"
#include "ops/tangent.h"
#include "pipeline/assessor_impl.h"
#include "pipeline/constant_norm.h"
#include "pipeline/guard.h"
#include "pipeline/network_impl.h"
#include "pipeline/ordered.h"
#include "pipeline/preprocess.h"
#include "pipeline/refuse.h"
#include "prune/prune.h"
#include "score/crop_measures.h"
#include "score/drift.h"

namespace prefiqs {

std::string_view name(Method method) {
  switch (method) {
    case Method::kDrift:
      return "drift";
    case Method::kPrunedNorm:
      return "pruned-norm";
    case Method::kJvp:
      return "jvp";
    case Method::kNorm:
      return "norm";
    case Method::kStochastic:
      return "stochastic";
    case Method::kOutput:
      return "onnx";
    case Method::kEmbedding:
      break;
  }
  return "embed";
}

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

void NoDirection(std::string_view whose, Assessment& assessment) {
  Refuse(Status::kNoDirection, fmt::format("{} is zero or not finite", whose), assessment);
}

// Of a network that tells a quality: a number, or an embedding of which the norm is meant.
void ScoreOutput(engine::TwinEmbedding output, Assessment& assessment) {
  const double quality = output.dense.size() == 1 ? output.dense[0] : score::Norm(output.dense);
  if (!std::isfinite(quality)) return NoDirection("the network's quality", assessment);
  assessment.status = Status::kOk;
  assessment.quality = static_cast<float>(quality);
  assessment.embedding = std::move(output.dense);
}

}  // namespace
}  // namespace pipeline

void Assessor::Impl::Score(engine::TwinEmbedding embedding, Assessment& assessment) const {
  if (!embedding.failure.empty()) {
    return pipeline::Refuse(Status::kNotComputed, std::move(embedding.failure), assessment);
  }
  if (options.method == Method::kOutput) return pipeline::ScoreOutput(std::move(embedding), assessment);
  const double norm = score::Norm(embedding.dense);
  if (!std::isfinite(norm) || norm == 0) return pipeline::NoDirection("the whole network's embedding", assessment);
  std::optional<double> quality;
  if (options.method == Method::kJvp) {
    const std::optional<double> sensitivity = score::Sensitivity(embedding.dense, embedding.pruned);
    if (!sensitivity) return pipeline::NoDirection("the embedding's derivative", assessment);
    assessment.sensitivity = static_cast<float>(*sensitivity);
    quality = score::Quality(*sensitivity);
  } else if (prunes(options.method)) {
    const std::optional<double> drift = score::Drift(embedding.dense, embedding.pruned);
    if (!drift) return pipeline::NoDirection("the pruned network's embedding", assessment);
    assessment.drift = static_cast<float>(*drift);
    assessment.pruned_norm = static_cast<float>(score::Norm(embedding.pruned));
    quality = options.method == Method::kDrift ? score::Quality(*drift) : assessment.pruned_norm;
  } else if (options.method == Method::kStochastic) {
    quality = stochastic->Quality(embedding.pruned);  // the trunk's second output
    if (!quality) return pipeline::NoDirection("an embedding made with parts left out", assessment);
  } else if (options.method == Method::kNorm) {
    quality = norm;
  }
  assessment.status = Status::kOk;
  assessment.embedding_norm = static_cast<float>(norm);
  if (quality) assessment.quality = static_cast<float>(*quality);
  if (calibration) assessment.scalar = calibration->scalar(assessment.quality);
  assessment.embedding = std::move(embedding.dense);
}

namespace pipeline {
namespace {

void Check(const Network& network, const AssessorOptions& options) {
  if (options.threads < 0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("threads: {} is below 0 (0 means all usable processors)", options.threads));
  }
  if (!(options.min_face >= 0)) {
    throw Error(ErrorCode::kUsage, fmt::format("smallest face: {} is no number of pixels", options.min_face));
  }
  if (options.detector && options.landmarks) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: landmarks are given in place of a detector, and there is one",
                                               Printable(options.landmarks->path())));
  }
  if (options.max_faces < 0) {
    throw Error(ErrorCode::kUsage, fmt::format("most faces: {} is below 0 (0 means any number)", options.max_faces));
  }
  if (options.method == Method::kJvp && options.precision != Precision::kFp32) {
    throw Error(ErrorCode::kUsage,
                fmt::format("method jvp is a derivative: it wants fp32, not {}", name(options.precision)));
  }
  if (network.tells_quality() != (options.method == Method::kOutput)) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: method {} and a network that was loaded {} do not go together",
                                               Printable(network.path()), name(options.method),
                                               network.tells_quality() ? "to tell a quality" : "for its embeddings"));
  }
}

std::unique_ptr<const Stochastic> MakeStochastic(const Network::Impl& network, const AssessorOptions& options) {
  if (options.method != Method::kStochastic) return nullptr;
  return std::make_unique<const Stochastic>(network.Specialised(), options.executor);
}

std::unique_ptr<const engine::Twin> CompileTwin(const Network::Impl& network, const AssessorOptions& options,
                                                const Recipe& recipe, const Stochastic* stochastic,
                                                double& achieved_sparsity) {
  const auto compile = [&](const graph::Graph& dense, const graph::Graph* pruned) {
    return engine::Twin::Compile(dense, pruned, options.executor,
                                 {.precision = options.precision, .threads = options.threads});
  };
  if (stochastic) return compile(stochastic->trunk(), nullptr);
  if (!prunes(options.method)) return compile(network.graph, nullptr);
  network.CheckNotPruned();
  const prune::Pruned pruned = prune::Prune(network.graph, recipe, network.InputShapes(), options.threads);
  achieved_sparsity = pruned.achieved_sparsity;
  if (options.method == Method::kJvp) return compile(ops::WithTangent(network.graph, pruned.graph), nullptr);
  return compile(network.graph, &pruned.graph);
}

// Detectors are compiled when they are first asked, here beside the network in place of after it.
std::unique_ptr<const engine::Twin> CompileBesideGuard(const Network::Impl& network, const AssessorOptions& options,
                                                       const Recipe& recipe, const Stochastic* stochastic,
                                                       double& achieved_sparsity) {
  std::jthread beside;
  if (options.guard && ThreadCount(options.threads) > 1) {
    beside = std::jthread([&guard = *options.guard, width = network.width, height = network.height] {
      Image blank{width, height, {}};
      blank.rgb.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
      try {
        (void)guard.sees_face(blank);
      } catch (const std::exception&) {  // who looks at a face meets it again
      }
    });
  }
  return CompileTwin(network, options, recipe, stochastic, achieved_sparsity);
}

std::optional<Calibration> Fitting(const Network& network, const AssessorOptions& options, const Recipe& recipe) {
  std::optional<Calibration> calibration = network.calibration();
  const bool fits = options.method == Method::kDrift && calibration && calibration->recipe == recipe &&
                    pipeline::GiveTheSame(calibration->preprocessing, network.preprocessing(), network.input_width(),
                                          network.input_height(), !options.aligns());
  return fits ? calibration : std::nullopt;
}

}  // namespace

}  // namespace pipeline

Assessor::Impl::Impl(const Network& the_network, const AssessorOptions& the_options, const Impl* like)
    : network(the_network),
      options((pipeline::Check(the_network, the_options), pipeline::WithGuard(the_options))),
      recipe(options.recipe ? *options.recipe : network.stored_recipe().value_or(Recipe{})),
      calibration(pipeline::Fitting(network, options, recipe)),
      helpers(ThreadCount(options.threads)) {
  if (like != nullptr && like->CompilesLike(network, options)) {
    stochastic = like->stochastic;
    twin = like->twin;
    contexts = like->contexts;
    achieved_sparsity = like->achieved_sparsity;
    return;
  }
  stochastic = pipeline::MakeStochastic(network.impl(), options);
  twin = pipeline::CompileBesideGuard(network.impl(), options, recipe, stochastic.get(), achieved_sparsity);
  contexts = std::make_shared<pipeline::ContextPool>(*twin);
  if (pipeline::IsNorm(options.method, network)) pipeline::CheckNorm(*twin, network, options.method);
}

bool Assessor::Impl::CompilesLike(const Network& other, const AssessorOptions& others) const {
  return &network.impl() == &other.impl() && options.method == others.method && options.precision == others.precision &&
         options.executor == others.executor && options.threads == others.threads &&
         (!prunes(options.method) || recipe == others.recipe.value_or(other.stored_recipe().value_or(Recipe{})));
}

pipeline::FaceOptions Assessor::Impl::Faces(FaceSelection selection) const {
  return {.detector = options.detector ? &*options.detector : nullptr,
          .landmarks = options.landmarks ? &*options.landmarks : nullptr,
          .min_face = options.min_face,
          .selection = selection,
          .max_faces = options.max_faces,
          .search = options.search,
          .turn = options.turn,
          .width = network.input_width(),
          .height = network.input_height(),
          .crop_template = network.preprocessing().crop_template};
}

void Assessor::Impl::Assess(engine::Context& context, std::span<pipeline::FaceCandidate* const> candidates,
                            Helper* helper) const {
  // No more at once than is of use: as floats, crops are four times as large.
  const auto step = static_cast<std::size_t>(twin->faces_at_once());
  std::vector<std::vector<float>> inputs;
  for (std::size_t first = 0; first < candidates.size(); first += step) {
    const auto group = candidates.subspan(first, std::min(step, candidates.size() - first));
    inputs.clear();
    for (const pipeline::FaceCandidate* candidate : group) {
      const Image& crop = candidate->crop->image;
      inputs.push_back(pipeline::Preprocess(options.mirror ? image::Upright(crop, kMirrored) : crop,
                                            network.preprocessing(), network.impl().channels));
    }
    std::vector<engine::TwinEmbedding> embeddings = twin->Run(context, inputs, helper);
    for (std::size_t i = 0; i < group.size(); ++i) {
      Assessment& assessment = group[i]->assessment;
      Score(std::move(embeddings[i]), assessment);
      if (assessment.status != Status::kOk) continue;
      const score::CropMeasures& measures = group[i]->crop->Measures();
      assessment.sharpness = measures.sharpness;
      assessment.uniformity = measures.uniformity;
      pipeline::AskGuard(options, network.preprocessing().crop_template, *group[i]->crop, assessment);
    }
  }
}

Assessor::Assessor(const Network& network, const AssessorOptions& options)
    : Assessor(std::make_shared<const Impl>(network, options)) {}

namespace {

template <typename Picture>
Assessment AssessBest(const Assessor::Impl& impl, const Picture& picture) {
  Helpers::Worker worker(impl.helpers);
  std::vector<pipeline::FaceCandidate> candidates = pipeline::FindFaces(picture, impl.Faces(FaceSelection::kBest));
  pipeline::FaceCandidate* const best = &candidates.front();
  if (best->crop) {
    const auto context = impl.contexts->Take();
    impl.Assess(*context, {&best, 1}, worker.FindHelper(0));
  }
  return std::move(best->assessment);
}

}  // namespace

Assessment Assessor::assess(const Image& image) const { return AssessBest(*impl_, image); }
Assessment Assessor::assess(const DecodedImage& image) const { return AssessBest(*impl_, image); }

std::vector<Assessment> Assessor::assess(std::span<const Image> images) const {
  std::vector<Assessment> results;
  results.reserve(images.size());
  pipeline::OrderedRun<std::vector<pipeline::FaceCandidate>> run;
  run.threads = ThreadCount(impl_->options.threads);
  // Few pictures are spread over the threads first.
  const auto threads = static_cast<std::size_t>(run.threads),
             most = static_cast<std::size_t>(impl_->twin->faces_at_once());
  const std::size_t step = std::clamp((images.size() + threads - 1) / threads, std::size_t{1}, most);
  run.count = static_cast<std::int64_t>((images.size() + step - 1) / step);
  run.window = run.count;  // the results are kept anyway
  run.work = [&](std::int64_t index, int) {
    Helpers::Worker worker(impl_->helpers);
    const std::size_t first = static_cast<std::size_t>(index) * step;
    std::vector<pipeline::FaceCandidate> group;
    for (const Image& image : images.subspan(first, std::min(step, images.size() - first))) {
      group.push_back(std::move(pipeline::FindFaces(image, impl_->Faces(FaceSelection::kBest)).front()));
    }
    std::vector<pipeline::FaceCandidate*> with_crop;
    for (pipeline::FaceCandidate& candidate : group) {
      if (candidate.crop) with_crop.push_back(&candidate);
    }
    const auto context = impl_->contexts->Take();
    impl_->Assess(*context, with_crop, worker.FindHelper(run.count - 1 - index));
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
