#include "pipeline/preprocessing_check.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/file.h"
#include "pipeline/network_impl.h"
#include "pipeline/preprocess.h"
#include "score/drift.h"

namespace prefiqs::pipeline {
namespace {

// The paired drifts of another preset must be lower by so many standard errors before it is called better.
constexpr double kSureBy = 3;

EmbeddingsLook LookThrough(const Assessor::Impl& assessor, engine::Context& context, std::span<const Image> crops,
                           const Preprocessing& preprocessing) {
  std::vector<engine::TwinEmbedding> embeddings;
  for (const Image& crop : crops) {
    const std::vector<float> input = Preprocess(crop, preprocessing, assessor.network.impl().channels);
    embeddings.push_back(std::move(assessor.twin->Run(context, {&input, 1})[0]));
    // Of these methods the second output, where there is one, is no embedding.
    if (!prunes(assessor.options.method) || assessor.options.method == Method::kJvp) embeddings.back().pruned.clear();
  }
  return LookAt(embeddings);
}

bool SurelyLower(const std::vector<double>& a, const std::vector<double>& b) {
  const auto n = static_cast<double>(a.size());
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += b[i] - a[i];
    squares += (b[i] - a[i]) * (b[i] - a[i]);
  }
  const double mean = sum / n;
  const double error = std::sqrt(std::fmax(squares / n - mean * mean, 0) / n);
  return mean > kSureBy * error;
}

// Whether `other` fits the network better than `mine`.
bool Better(const EmbeddingsLook& other, const EmbeddingsLook& mine) {
  if (!(other.cosine < mine.cosine)) return false;
  if (mine.cosine > kCollapsedCosine) return other.cosine < 0.5 * mine.cosine;
  return other.drifts.size() == mine.drifts.size() && !mine.drifts.empty() && SurelyLower(other.drifts, mine.drifts);
}

std::string Numbers(const EmbeddingsLook& look) {
  std::string text = fmt::format("mean cosine between faces {:.3f}", look.cosine);
  if (std::isfinite(look.drift)) text += fmt::format(", mean drift {:.3f}", look.drift);
  return text;
}

}  // namespace

bool EmbeddingsLook::suspicious() const { return cosine > kCollapsedCosine || drift > kImplausibleDrift; }

EmbeddingsLook LookAt(std::span<const engine::TwinEmbedding> embeddings) {
  EmbeddingsLook look;
  std::vector<double> sum;
  double count = 0;
  bool pruned = true;
  for (const engine::TwinEmbedding& e : embeddings) {
    const double norm = score::Norm(e.dense);
    if (!(norm > 0) || !std::isfinite(norm)) continue;
    sum.resize(e.dense.size());
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += e.dense[i] / norm;
    ++count;
    std::optional<double> drift;
    if (!e.pruned.empty()) drift = score::Drift(e.dense, e.pruned);
    pruned = pruned && drift.has_value();
    if (drift.has_value()) look.drifts.push_back(drift.value());
  }
  // The unit embeddings' sum has the squared length n + 2 * (sum of cosines over pairs).
  double squared = 0;
  for (const double v : sum) squared += v * v;
  if (count >= 2) look.cosine = (squared - count) / (count * (count - 1));
  look.drift = std::numeric_limits<double>::quiet_NaN();
  if (pruned && !look.drifts.empty()) {
    double total = 0;
    for (const double drift : look.drifts) total += drift;
    look.drift = total / static_cast<double>(look.drifts.size());
  }
  return look;
}

std::optional<std::string> PreprocessingWarning(const Assessor::Impl& assessor, std::span<const Image> crops) {
  if (crops.size() < kFewestCheckedFaces) return std::nullopt;
  if (assessor.options.method == Method::kOutput) return std::nullopt;  // a quality has no direction to look at
  const auto context = assessor.contexts->Take();
  const Preprocessing& used = assessor.network.preprocessing();
  const EmbeddingsLook mine = LookThrough(assessor, *context, crops, used);
  const bool assumed = assessor.network.preprocessing_source() == PreprocessingSource::kAssumed;
  if (!mine.suspicious() && !assumed) return std::nullopt;

  const PreprocessingPreset* best = nullptr;
  EmbeddingsLook best_look;
  for (const PreprocessingPreset& preset : preprocessing_presets()) {
    Preprocessing other = preset.preprocessing;
    other.crop_template = used.crop_template;  // the crops are made
    other.size = used.size;
    if (other == used) continue;
    EmbeddingsLook look = LookThrough(assessor, *context, crops, other);
    if (!Better(look, mine) || (best != nullptr && look.cosine >= best_look.cosine)) continue;
    best = &preset;
    best_look = std::move(look);
  }
  const std::string network = Printable(assessor.network.path());
  if (best != nullptr) {
    return fmt::format(
        "the channel order or scaling of {} looks wrong: over the first {} faces {}; with --preset {} it would be {}",
        network, crops.size(), Numbers(mine), best->name, Numbers(best_look));
  }
  if (mine.drift > kImplausibleDrift) {
    return fmt::format(
        "recipe {} prunes too much of {} to rank faces ({} over the first {}): compact networks want less, as with "
        "--sparsity 0.2 --scope layer",
        assessor.recipe.name(), network, Numbers(mine), crops.size());
  }
  return std::nullopt;
}

}  // namespace prefiqs::pipeline
