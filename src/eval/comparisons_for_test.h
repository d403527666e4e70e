// Random evaluations with many ties, and their copies written out.
#ifndef PREFIQS_EVAL_COMPARISONS_FOR_TEST_H_
#define PREFIQS_EVAL_COMPARISONS_FOR_TEST_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "eval/comparisons.h"

namespace prefiqs::eval {

struct RandomEvaluation {
  Comparisons comparisons;
  std::vector<float> quality;
  std::vector<std::uint32_t> identity;
};

// All pairs of images of a few identities. `levels`: how many different values similarities and qualities have. Some
// qualities are missing, some images cannot be compared.
inline RandomEvaluation MakeEvaluation(std::uint32_t seed, std::uint32_t images, int levels) {
  std::mt19937 random(seed);
  const auto coarse = [&](double v) { return static_cast<float>(std::round(v * levels) / levels); };
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  RandomEvaluation e;
  std::vector<bool> comparable;
  for (std::uint32_t i = 0; i < images; ++i) {
    e.identity.push_back(i / 4);
    e.quality.push_back(uniform(random) < 0.05 ? std::numeric_limits<float>::quiet_NaN() : coarse(uniform(random)));
    comparable.push_back(uniform(random) > 0.03);
  }
  for (std::uint32_t a = 0; a < images; ++a) {
    for (std::uint32_t b = a + 1; b < images; ++b) {
      const bool mated = e.identity[a] == e.identity[b];
      const double quality = std::isnan(e.quality[a] + e.quality[b]) ? 0 : std::min(e.quality[a], e.quality[b]);
      e.comparisons.first.push_back(a);
      e.comparisons.second.push_back(b);
      e.comparisons.mated.push_back(mated);
      e.comparisons.similarity.push_back(comparable[a] && comparable[b]
                                             ? coarse(0.2 * normal(random) + (mated ? 0.3 + 0.4 * quality : 0))
                                             : -std::numeric_limits<float>::infinity());
    }
  }
  return e;
}

// Each comparison as often as its weight says, in place.
inline Comparisons WrittenOut(const Comparisons& c, const std::vector<std::uint32_t>& weights) {
  Comparisons copies;
  for (std::size_t i = 0; i < c.size(); ++i) {
    for (std::uint32_t k = 0; k < weights[i]; ++k) {
      copies.first.push_back(c.first[i]);
      copies.second.push_back(c.second[i]);
      copies.similarity.push_back(c.similarity[i]);
      copies.mated.push_back(c.mated[i]);
    }
  }
  return copies;
}

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_COMPARISONS_FOR_TEST_H_
