// What an evaluation works on: comparisons of images by a verifying network, and qualities of the images.
#ifndef PREFIQS_EVAL_COMPARISONS_H_
#define PREFIQS_EVAL_COMPARISONS_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

namespace prefiqs::eval {

// Comparison i is of images first[i] and second[i], which are numbers below the number of images. All four have one
// length. Mated: of the same person.
struct Comparisons {
  std::vector<std::uint32_t> first, second;
  // Higher is more alike. -infinity: could not be compared (a face was not found), which a system cannot accept.
  std::vector<float> similarity;
  std::vector<std::uint8_t> mated;

  std::size_t size() const { return similarity.size(); }
};

// How often each comparison counts: whole numbers, as a resample draws them. Empty: once each.
using Weights = std::span<const std::uint32_t>;
inline std::uint64_t WeightOf(Weights weights, std::size_t i) { return weights.empty() ? 1 : weights[i]; }

// Throws Error(kUsage) where lengths differ, an image's number is not below `images`, an image is compared with itself,
// or a similarity is NaN or +infinity.
void Check(const Comparisons& comparisons, std::size_t images);

// A missing quality, NaN, is worse than all others.
inline float Known(float quality) { return std::isnan(quality) ? -std::numeric_limits<float>::infinity() : quality; }

// Of comparisons that are equally good (all whose worse image is the same), the order in which they are discarded is
// not part of any quality; results depend on it all the same. Reversed shows by how much.
enum class TieOrder { kAsListed, kReversed };

// Numbers of the images, the worst first.
std::vector<std::uint32_t> WorstFirst(std::span<const float> quality, TieOrder ties = TieOrder::kAsListed);

// Orders that do not depend on weights, made once for all resamples.
struct Ranking {
  std::vector<std::uint32_t> by_quality;                            // comparisons, the worst first
  std::shared_ptr<const std::vector<std::uint32_t>> by_similarity;  // the most alike first; equal ones as listed
  std::vector<float> pair_quality;  // of comparison i: the lower of its images' qualities
};

std::vector<std::uint32_t> BySimilarity(const Comparisons& comparisons);

// quality: of each image, higher is better; NaN: missing. by_similarity: BySimilarity(), made once for several
// qualities.
Ranking Rank(const Comparisons& comparisons, std::span<const float> quality, TieOrder ties,
             std::shared_ptr<const std::vector<std::uint32_t>> by_similarity);
Ranking Rank(const Comparisons& comparisons, std::span<const float> quality, TieOrder ties = TieOrder::kAsListed);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_COMPARISONS_H_
