// Of each image the most alike ones of other people, among all pairs, of which not all are held.
#ifndef PREFIQS_EVAL_NEAREST_STRANGERS_H_
#define PREFIQS_EVAL_NEAREST_STRANGERS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "eval/npy_matrix.h"

namespace prefiqs::eval {

class NearestStrangers {
 public:
  // So many other people are kept for each image, with the most alike image of each. A resample of identities leaves
  // each of them out with a probability of 1 / e, so all of them of one image in ten million.
  static constexpr std::size_t kKept = 16;

  // unit: rows of length 1; zeros: an image that cannot be compared, which is nobody's stranger and has none. A pass
  // over all products, on `threads` threads; no result depends on how many.
  NearestStrangers(const Matrix& unit, std::span<const std::uint32_t> identity, int threads);

  // The similarity of the most alike image of another person that is drawn (drawn: how often each identity is; empty:
  // all once). Where none of those that are kept is drawn, that of the last one. -1 for an image that has none.
  float Similarity(std::size_t image, std::span<const std::uint32_t> drawn) const;

 private:
  struct Stranger {
    float similarity = -1;
    std::uint32_t identity = 0;
  };
  std::vector<Stranger> strangers_;  // of image i from i * kKept on, the most alike first
  std::vector<std::uint8_t> count_;
};

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_NEAREST_STRANGERS_H_
