#include "base/denormals.h"

#include <algorithm>
#include <bit>
#include <cstddef>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace prefiqs {
namespace {

#if defined(__x86_64__)
constexpr std::uint64_t kModeBits = _MM_FLUSH_ZERO_ON | _MM_DENORMALS_ZERO_ON;  // results, and operands
std::uint64_t ReadControl() { return _mm_getcsr(); }
void WriteControl(std::uint64_t control) { _mm_setcsr(static_cast<unsigned>(control)); }
#elif defined(__aarch64__)
constexpr std::uint64_t kModeBits = std::uint64_t{1} << 24;  // FPCR.FZ: operands and results
std::uint64_t ReadControl() {
  std::uint64_t control = 0;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  return control;
}
void WriteControl(std::uint64_t control) { asm volatile("msr fpcr, %0" ::"r"(control) : "memory"); }
#else
constexpr std::uint64_t kModeBits = 0;
std::uint64_t ReadControl() { return 0; }
void WriteControl(std::uint64_t) {}
#endif

}  // namespace

DenormalsAreZero::DenormalsAreZero() {
  const std::uint64_t control = ReadControl();
  before_ = control & kModeBits;
  if (before_ != kModeBits) WriteControl(control | kModeBits);
}

DenormalsAreZero::~DenormalsAreZero() {
  if (before_ != kModeBits) WriteControl((ReadControl() & ~kModeBits) | before_);
}

bool DenormalsAreZero::Active() { return Available() && (ReadControl() & kModeBits) == kModeBits; }
bool DenormalsAreZero::Available() { return kModeBits != 0; }

std::int64_t ZeroDenormals(std::span<float> values) {
  // By their bits: arithmetic would depend on the mode, and be slow where it matters. In runs, so that the counter fits
  // a lane of 32 bits, which is what lets the compiler vectorise this.
  constexpr std::int32_t kMagnitude = 0x7fffffff, kSmallestNormal = 0x00800000;
  constexpr std::size_t kRun = std::size_t{1} << 20;
  std::int64_t all = 0;
  for (std::size_t first = 0; first < values.size(); first += kRun) {
    const std::span<float> run = values.subspan(first, std::min(kRun, values.size() - first));
    std::int32_t found = 0;
    for (float& value : run) {
      const auto bits = std::bit_cast<std::int32_t>(value);
      const std::int32_t magnitude = bits & kMagnitude;
      const bool denormal = (magnitude > 0) & (magnitude < kSmallestNormal);
      found += denormal ? 1 : 0;
      value = std::bit_cast<float>(denormal ? 0 : bits);
    }
    all += found;
  }
  return all;
}

}  // namespace prefiqs
