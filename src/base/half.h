// IEEE 754 binary16, the half-precision numbers of files.
#ifndef PREFIQS_BASE_HALF_H_
#define PREFIQS_BASE_HALF_H_

#include <bit>
#include <cstdint>

namespace prefiqs {

// The float32 of the same value, which every half has; payloads of NaN keep their bits.
inline float HalfToFloat(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fu;
  const std::uint32_t fraction = bits & 0x3ffu;
  if (exponent == 0) {  // zero and subnormals: fraction * 2^-24, exact in a float
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 31 ? 0xffu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}

}  // namespace prefiqs

#endif  // PREFIQS_BASE_HALF_H_
