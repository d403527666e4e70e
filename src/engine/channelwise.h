// What happens to every channel on its own between two multiplications, in one pass over memory.
#ifndef PREFIQS_ENGINE_CHANNELWISE_H_
#define PREFIQS_ENGINE_CHANNELWISE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "engine/vectors.h"

namespace prefiqs::engine {

// y = post_scale · PReLU(scale · x + shift; slope) + post_shift, with PReLU(t; s) = t where t > 0 and s · t elsewhere:
// a batch normalisation, a PReLU, or both in either order. One number a channel each.
struct ChannelFunction {
  std::vector<float> scale, shift, slope, post_scale, post_shift;

  // x itself.
  static ChannelFunction Identity(std::size_t channels);
  // This, followed by a · y + b or by PReLU(y; s). False, and unchanged, where that has no such form (a PReLU behind a
  // PReLU) or a factor is not finite.
  bool ThenAffine(std::span<const double> a, std::span<const double> b);
  bool ThenPRelu(std::span<const float> s);
  // This, of x + b instead of x. False, and unchanged, where a factor would not be finite.
  bool OfSum(std::span<const float> b);
  // To `channels`, more than now; the new ones give 0.
  void Widen(std::size_t channels);

 private:
  bool has_slope_ = false;
};

// Numbers as they are, or rounded to the nearest bfloat16, ties to even.
enum class ChannelForm { kFloat, kBf16 };

// How channels lie in memory: `outer` times `blocks` times `rows` rows of `width` channels; row r of block b holds the
// channels b·width … . Batch×height×width×channel has one block, layouts of 4, 8 or 16 channels have channels/width.
struct ChannelRows {
  std::int64_t outer = 1, blocks = 1, rows = 1, width = 1;
};

// `x` in the form `from`; `y` may be `x` where `to` is the same, else they do not overlap. Starts no thread; the same
// bits with all vectors.
void RunChannelwise(const ChannelFunction& function, const ChannelRows& rows, ChannelForm from, ChannelForm to,
                    const void* x, void* y, Vectors vectors);

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_CHANNELWISE_H_
