// 3×3 convolutions with a third of the multiplications: Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray, arXiv
// 1509.09308), with weights that are transformed anew in every run.
#ifndef PREFIQS_ENGINE_WINOGRAD_H_
#define PREFIQS_ENGINE_WINOGRAD_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/vectors.h"

namespace prefiqs::engine {

// One step between windows, zeros one deep around the picture. Channels and filters are multiples of 16.
struct WinogradShape {
  std::int64_t height = 0, width = 0, channels = 0, filters = 0;
};

// Of one face: channels/16 × height × width × 16, and filters/16 × height × width × 16.
struct WinogradImage {
  const float* x = nullptr;
  const float* added = nullptr;  // to the result; null: nothing. May be y.
  float* y = nullptr;
};

// Tiles of 4×4 results that a face is cut into.
std::int64_t WinogradTiles(const WinogradShape& shape);

// Whether these instructions have it.
bool HasWinograd(Vectors vectors);

// Floats that `images` faces together need besides their own.
std::size_t WinogradScratch(const WinogradShape& shape, std::size_t images);

// `weights`: filters/16 × channels × 3 × 3 × 16. `bias`: one a filter, or null. Faces that come together share what it
// costs to transform weights; their bits do not depend on the company. float32 throughout: the worst of many results is
// off by 1e-5 of a usual one, ten times as far as plain sums are. Starts no thread.
void RunWinograd(const WinogradShape& shape, std::span<const WinogradImage> images, const float* weights,
                 const float* bias, std::span<float> scratch, Vectors vectors);

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_WINOGRAD_H_
