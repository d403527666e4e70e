// Which recipe suits a network, asked of faces without labels (docs/choosing.md).
#include <fmt/format.h>
#include <prefiqs/job.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/parallel.h"
#include "degrade/spoil.h"
#include "engine/twin.h"
#include "pipeline/assessor_impl.h"
#include "pipeline/network_impl.h"
#include "pipeline/preprocess.h"
#include "prune/prune.h"
#include "score/drift.h"
#include "sweep/choose_faces.h"

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
constexpr double kDepths[] = {0.5, 0.8, 0.9};
// Only for this share of the resamples of the faces is a deeper recipe taken to tell more.
constexpr double kSure = 0.95;
constexpr int kResamples = 100;
constexpr std::uint64_t kSeed = 20261126;
constexpr double kFurthest = 2;  // of what has no direction any more: as far as can be told

// Of one face: in how many pairs of a picture and a worse one of it, and in how many of those the worse one drifts
// more.
struct Told {
  int asked = 0, rightly = 0;
};

double Share(const std::vector<Told>& told, const std::vector<std::size_t>& faces) {
  Told sum;
  for (const std::size_t i : faces) {
    sum.asked += told[i].asked;
    sum.rightly += told[i].rightly;
  }
  return sum.asked == 0 ? 0 : static_cast<double>(sum.rightly) / sum.asked;
}

class Chooser {
 public:
  Chooser(const Network& network, const JobOptions& options) : network_(network), options_(options) {
    versions_[kFace].pictures = sweep::TakeFaces(network, options, kFaces, kFewestFaces);
    versions_[kFace].dense = Embed(network_.impl().graph, versions_[kFace].pictures);
    if (std::ranges::all_of(versions_[kFace].dense, [](const Embedding& e) { return e.empty(); })) {
      throw Error(ErrorCode::kModel, fmt::format("{}: no face has an embedding", Printable(network_.path())));
    }
  }

  std::size_t faces() const { return versions_[kFace].pictures.size(); }

  double MeanDrift(const Recipe& recipe) const { return Mean(Drifts(Pruned(recipe), kFace)); }

  // A recipe from 0 and from each of kDepths, and how surely those tell more than it.
  std::vector<RecipeCandidate> AskDepths(const Recipe& recipe) {
    MakeWorse();
    std::vector<RecipeCandidate> candidates(1 + std::size(kDepths), {.recipe = recipe});
    std::vector<std::vector<Told>> told;
    std::vector<std::size_t> all(faces());
    std::iota(all.begin(), all.end(), 0);
    for (std::size_t k = 0; k < candidates.size(); ++k) {
      if (k > 0) candidates[k].recipe.from = kDepths[k - 1];
      const graph::Graph pruned = Pruned(candidates[k].recipe);
      const Drift face = Drifts(pruned, kFace);
      candidates[k].mean_drift = Mean(face);
      std::vector<Told>& faces = told.emplace_back(this->faces());
      Count(face, Drifts(pruned, kFaceWorse), kFaceWorse, faces);
      Count(Drifts(pruned, kMirror), Drifts(pruned, kMirrorWorse), kMirrorWorse, faces);
      candidates[k].tells_worse = Share(faces, all);
    }
    std::mt19937_64 random(kSeed);
    std::vector<int> more(candidates.size());
    for (int resample = 0; resample < kResamples; ++resample) {
      std::vector<std::size_t> drawn(all.size());
      std::ranges::generate(drawn, [&] { return static_cast<std::size_t>(random() % drawn.size()); });
      for (std::size_t k = 1; k < told.size(); ++k) more[k] += Share(told[k], drawn) > Share(told[0], drawn) ? 1 : 0;
    }
    for (std::size_t k = 1; k < told.size(); ++k) candidates[k].sure = static_cast<double>(more[k]) / kResamples;
    return candidates;
  }

 private:
  using Embedding = std::vector<float>;              // empty where the network fails
  using Drift = std::vector<std::optional<double>>;  // of each face; none where the whole network has no embedding
  enum Version { kFace, kMirror, kFaceWorse, kMirrorWorse, kVersions };
  struct Pictures {
    std::vector<Image> pictures;
    std::vector<bool> worse;
    std::vector<Embedding> dense;
  };

  void MakeWorse() {
    std::array<std::vector<sweep::MadeWorse>, 2> made{std::vector<sweep::MadeWorse>(faces()),
                                                      std::vector<sweep::MadeWorse>(faces())};
    versions_[kMirror].pictures.resize(faces());
    ParallelFor(faces(), options_.assessor.threads, [&](std::size_t i) {
      versions_[kMirror].pictures[i] = degrade::Mirrored(versions_[kFace].pictures[i]);
      for (const Version version : {kFace, kMirror}) {
        const Image& picture = versions_[version].pictures[i];
        made[version][i] = sweep::MakeWorse(picture, sweep::PictureHash(picture));  // the same in any company
      }
    });
    for (const Version version : {kFaceWorse, kMirrorWorse}) {
      for (sweep::MadeWorse& one : made[version == kMirrorWorse]) {
        versions_[version].pictures.push_back(std::move(one.picture));
        versions_[version].worse.push_back(one.worse);
      }
    }
    for (const Version version : {kMirror, kFaceWorse, kMirrorWorse}) {
      versions_[version].dense = Embed(network_.impl().graph, versions_[version].pictures);
    }
  }

  void Count(const Drift& before, const Drift& after, Version version, std::vector<Told>& told) const {
    for (std::size_t i = 0; i < told.size(); ++i) {
      if (!versions_[version].worse[i] || !before[i] || !after[i]) continue;
      ++told[i].asked;
      told[i].rightly += *after[i] > *before[i] ? 1 : 0;
    }
  }

  graph::Graph Pruned(const Recipe& recipe) const {
    const graph::Graph& graph = network_.impl().graph;
    return prune::ApplyMasks(graph, prune::ComputeMasks(graph, recipe));
  }

  Drift Drifts(const graph::Graph& pruned, Version version) const {
    const Pictures& pictures = versions_[version];
    const std::vector<Embedding> embeddings = Embed(pruned, pictures.pictures);
    Drift drifts(embeddings.size());
    for (std::size_t i = 0; i < drifts.size(); ++i) {
      if (pictures.dense[i].empty()) continue;
      drifts[i] =
          embeddings[i].empty() ? kFurthest : score::Drift(pictures.dense[i], embeddings[i]).value_or(kFurthest);
    }
    return drifts;
  }

  static double Mean(const Drift& drifts) {
    double sum = 0;
    int count = 0;
    for (const std::optional<double>& drift : drifts) {
      sum += drift.value_or(0);
      count += drift ? 1 : 0;
    }
    return sum / count;
  }

  std::vector<Embedding> Embed(const graph::Graph& graph, const std::vector<Image>& pictures) const {
    const auto twin = engine::Twin::Compile(graph, nullptr, options_.assessor.executor);
    pipeline::ContextPool contexts(*twin);
    std::vector<Embedding> embeddings(pictures.size());
    ParallelFor(pictures.size(), options_.assessor.threads, [&](std::size_t i) {
      const std::vector<float> input =
          pipeline::Preprocess(pictures[i], network_.preprocessing(), network_.impl().channels);
      const auto context = contexts.Take();
      engine::TwinEmbedding embedding = std::move(twin->Run(*context, {&input, 1})[0]);
      if (embedding.failure.empty()) embeddings[i] = std::move(embedding.dense);
    });
    return embeddings;
  }

  const Network& network_;
  const JobOptions& options_;
  std::array<Pictures, kVersions> versions_;
};

// A deeper copy that surely tells more than the recipe from 0, of several the one that tells the most.
const RecipeCandidate& Deepened(const std::vector<RecipeCandidate>& depths) {
  const RecipeCandidate* best = &depths[0];
  for (const RecipeCandidate& candidate : depths) {
    if (candidate.sure >= kSure && (best == &depths[0] || candidate.tells_worse > best->tells_worse)) best = &candidate;
  }
  return *best;
}

}  // namespace

RecipeChoice choose_recipe(const Network& network, const JobOptions& options) {
  network.impl().CheckNotPruned();
  Chooser chooser(network, options);
  RecipeChoice choice{.faces = static_cast<std::int64_t>(chooser.faces()), .stands = kStands};
  const auto ask = [&](const Recipe& recipe) {
    choice.candidates.push_back({.recipe = recipe, .mean_drift = chooser.MeanDrift(recipe)});
  };
  ask(Recipe{});
  if (choice.candidates[0].mean_drift <= kStands) {
    choice.recipe = choice.candidates[0].recipe;
    choice.mean_drift = choice.candidates[0].mean_drift;
    return choice;
  }
  for (const double sparsity : kPerLayer) ask({.scope = Scope::kLayer, .sparsity = sparsity});
  const auto chosen =
      std::ranges::min_element(choice.candidates.begin() + 1, choice.candidates.end(), {},
                               [](const RecipeCandidate& c) { return std::fabs(c.mean_drift - kTarget); });
  const std::vector<RecipeCandidate> depths = chooser.AskDepths(chosen->recipe);
  *chosen = depths[0];
  choice.candidates.insert(choice.candidates.end(), depths.begin() + 1, depths.end());
  const RecipeCandidate& taken = Deepened(depths);
  choice.recipe = taken.recipe;
  choice.mean_drift = taken.mean_drift;
  return choice;
}

}  // namespace prefiqs
