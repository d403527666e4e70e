#include "model/shared_hashing.h"

#include <algorithm>
#include <span>
#include <vector>

namespace prefiqs::model {

void SharedHashing::Help() {
  constexpr std::int64_t kPart = 1 << 18;  // stays in the second-level cache between reading and hashing
  std::vector<std::uint8_t> buffer(static_cast<std::size_t>(std::min(kPart, source_.size())));
  for (std::int64_t part = next_++; part * kPart < source_.size(); part = next_++) {
    const auto bytes =
        std::span(buffer).first(static_cast<std::size_t>(std::min(kPart, source_.size() - part * kPart)));
    try {
      source_.Read(part * kPart, bytes);
    } catch (...) {
      {
        const std::lock_guard lock(mutex_);
        failed_ = true;
      }
      turn_.notify_all();
      throw;
    }
    std::unique_lock lock(mutex_);
    turn_.wait(lock, [&] { return failed_ || added_ == part; });
    if (failed_) return;
    hash_.Add(bytes);
    ++added_;
    lock.unlock();
    turn_.notify_all();
  }
}

}  // namespace prefiqs::model
