// Which recipe suits a network, asked of faces without labels.
#include <fmt/format.h>
#include <prefiqs/job.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/parallel.h"
#include "engine/twin.h"
#include "input/source.h"
#include "pipeline/assessor_impl.h"
#include "pipeline/faces.h"
#include "pipeline/guard.h"
#include "pipeline/network_impl.h"
#include "pipeline/preprocess.h"
#include "prune/prune.h"
#include "score/drift.h"

namespace prefiqs {
namespace {

// As few as a calibration takes, so that none is chosen that is not kept.
constexpr std::size_t kFaces = 256, kFewestFaces = Calibration::kMinFaces;
// Mean drift up to which a network is taken to stand the paper's recipe: half-way between 0.46, where it works, and the
// lower of those where it breaks, 0.71. Of two unrelated directions it is 1.41: towards that, faces drift all alike.
constexpr double kStands = 0.58;
// What else is asked: thresholds per layer, so that no layer goes first because its weights happen to be small.
constexpr double kPerLayer[] = {0.1, 0.2, 0.3};
constexpr double kTarget = 0.15;  // mean drift of theirs

// A picture of no face drifts as it likes, and many of them would choose.
bool IsFace(const AssessorOptions& options, const pipeline::FaceCandidate& candidate) {
  Assessment assessment = candidate.assessment;
  assessment.status = Status::kOk;  // as far as it got
  pipeline::AskGuard(options, *candidate.crop, assessment);
  return assessment.status == Status::kOk;
}

// Faces spread evenly over the inputs, as the network takes them.
std::vector<std::vector<float>> TakeFaces(const Network& network, const JobOptions& options) {
  if (std::ranges::find(options.inputs, "-") != options.inputs.end()) {
    throw Error(ErrorCode::kUsage, "the list of faces is read more than once to choose a recipe: give it as @FILE");
  }
  const std::vector<input::Item> items = input::ListItems(options.inputs);
  const pipeline::FaceOptions faces{.detector = options.assessor.detector ? &*options.assessor.detector : nullptr,
                                    .min_face = options.assessor.min_face,
                                    .selection = FaceSelection::kBest,
                                    .width = network.input_width(),
                                    .height = network.input_height()};
  // In rounds, as not every picture has a face: of n pictures number i * stride modulo n, which meets each once.
  std::size_t stride = std::max<std::size_t>(1, static_cast<std::size_t>(0.618 * static_cast<double>(items.size())));
  while (std::gcd(stride, items.size()) != 1) ++stride;
  std::vector<std::vector<float>> found;
  for (std::size_t next = 0; next < items.size() && found.size() < kFaces;) {
    std::vector<std::vector<float>> round(std::min(kFaces - found.size(), items.size() - next));
    ParallelFor(round.size(), options.assessor.threads, [&](std::size_t i) {
      const input::Item& item = items[(next + i) * stride % items.size()];
      const auto candidates = pipeline::FindFaces(input::Read(item, options.limits), faces);
      const pipeline::FaceCandidate& best = candidates.front();
      if (best.crop && IsFace(options.assessor, best)) {
        round[i] = pipeline::Preprocess(*best.crop, network.preprocessing());
      }
    });
    next += round.size();
    std::erase_if(round, [](const std::vector<float>& face) { return face.empty(); });
    std::ranges::move(round, std::back_inserter(found));
  }
  if (found.size() < kFewestFaces) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} faces: {} at least are wanted to choose a recipe by", found.size(), kFewestFaces));
  }
  return found;
}

class Chooser {
 public:
  Chooser(const Network& network, const JobOptions& options)
      : network_(network),
        options_(options),
        faces_(TakeFaces(network, options)),
        dense_(Embed(network.impl().graph)) {}

  std::int64_t faces() const { return std::ssize(faces_); }

  double MeanDrift(const Recipe& recipe) const {
    const graph::Graph& graph = network_.impl().graph;
    const auto pruned = Embed(prune::ApplyMasks(graph, prune::ComputeMasks(graph, recipe)));
    double sum = 0;
    int count = 0;
    for (std::size_t i = 0; i < faces_.size(); ++i) {
      if (dense_[i].empty()) continue;
      // What has no direction any more has drifted as far as can be told.
      sum += pruned[i].empty() ? 2 : score::Drift(dense_[i], pruned[i]).value_or(2);
      ++count;
    }
    if (count == 0) {
      throw Error(ErrorCode::kModel, fmt::format("{}: no face has an embedding", Printable(network_.path())));
    }
    return sum / count;
  }

 private:
  // Empty where the network fails.
  std::vector<std::vector<float>> Embed(const graph::Graph& graph) const {
    const auto twin = engine::Twin::Compile(graph, nullptr, options_.assessor.executor);
    pipeline::ContextPool contexts(*twin);
    std::vector<std::vector<float>> embeddings(faces_.size());
    ParallelFor(faces_.size(), options_.assessor.threads, [&](std::size_t i) {
      const auto context = contexts.Take();
      engine::TwinEmbedding embedding = std::move(twin->Run(*context, {&faces_[i], 1})[0]);
      if (embedding.failure.empty()) embeddings[i] = std::move(embedding.dense);
    });
    return embeddings;
  }

  const Network& network_;
  const JobOptions& options_;
  std::vector<std::vector<float>> faces_, dense_;
};

}  // namespace

RecipeChoice choose_recipe(const Network& network, const JobOptions& options) {
  network.impl().CheckNotPruned();
  const Chooser chooser(network, options);
  RecipeChoice choice{.faces = chooser.faces(), .stands = kStands};
  const auto ask = [&](const Recipe& recipe) {
    choice.candidates.push_back({.recipe = recipe, .mean_drift = chooser.MeanDrift(recipe)});
  };
  ask(Recipe{});
  auto chosen = choice.candidates.begin();
  if (chosen->mean_drift > kStands) {
    for (const double sparsity : kPerLayer) ask({.scope = Scope::kLayer, .sparsity = sparsity});
    chosen = std::ranges::min_element(choice.candidates.begin() + 1, choice.candidates.end(), {},
                                      [](const RecipeCandidate& c) { return std::fabs(c.mean_drift - kTarget); });
  }
  choice.recipe = chosen->recipe;
  choice.mean_drift = chosen->mean_drift;
  return choice;
}

}  // namespace prefiqs
