#include "model/denormal_count.h"

#include <algorithm>
#include <cstddef>

#include "base/denormals.h"

namespace prefiqs::model {

std::int64_t DenormalCount::Count() const {
  constexpr std::int64_t kAtOnce = 1 << 16;
  std::vector<float> part(kAtOnce);
  std::int64_t count = here_;
  for (const Place& place : places_) {
    for (std::int64_t first = 0; first < place.elements; first += kAtOnce) {
      const auto some = static_cast<std::size_t>(std::min(kAtOnce, place.elements - first));
      const std::span<float> values = std::span(part).first(some);
      place.file->ReadLater(place.offset + first * static_cast<std::int64_t>(sizeof(float)),
                            {reinterpret_cast<std::uint8_t*>(part.data()), values.size_bytes()});
      count += ZeroDenormals(values);
    }
  }
  return count;
}

}  // namespace prefiqs::model
