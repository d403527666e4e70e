#include "engine/onednn/fork.h"

#include <algorithm>

namespace prefiqs::engine::onednn {
namespace {

// A few of the largest maps of usual networks (64 channels of 112×112 pixels are 3 MiB), and less than a millisecond.
constexpr std::size_t kMostHanded = std::size_t{8} << 20;

bool Holds(const std::vector<int>& buffers, int buffer) {
  return std::find(buffers.begin(), buffers.end(), buffer) != buffers.end();
}

}  // namespace

std::optional<Fork> FindFork(std::span<const std::unique_ptr<const Step>> steps, std::span<const Buffer> buffers,
                             std::span<const int> outputs) {
  if (outputs.size() < 2 || outputs[0] < 0) return std::nullopt;
  std::vector<Step::Traffic> traffic;
  for (const auto& step : steps) traffic.push_back(step->Buffers());
  // One past the last step before `end` that writes what `wanted` says.
  const auto after_last_write = [&](std::size_t end, const auto& wanted) {
    while (end > 0 && std::none_of(traffic[end - 1].written.begin(), traffic[end - 1].written.end(), wanted)) --end;
    return end;
  };
  Fork fork;
  fork.tail = after_last_write(steps.size(), [&](int buffer) { return buffer == outputs[0]; });
  std::vector<int> written;  // by the tail
  for (std::size_t step = fork.tail; step < steps.size(); ++step) {
    written.insert(written.end(), traffic[step].written.begin(), traffic[step].written.end());
    for (const std::vector<int>& used : {traffic[step].read, traffic[step].written}) {
      for (const int buffer : used) {
        // Also what is written: a sum is added to what is there.
        const bool is_older = buffers[static_cast<std::size_t>(buffer)].first_step < static_cast<int>(fork.tail);
        if (is_older && !Holds(fork.handed, buffer)) fork.handed.push_back(buffer);
      }
    }
  }
  std::size_t bytes = 0;
  for (const int buffer : fork.handed) bytes += buffers[static_cast<std::size_t>(buffer)].bytes;
  fork.at = after_last_write(fork.tail, [&](int buffer) { return Holds(fork.handed, buffer); });
  if (fork.at == fork.tail || fork.tail == steps.size() || bytes > kMostHanded) return std::nullopt;
  for (const int output : outputs) fork.from_tail.push_back(Holds(written, output));
  return fork;
}

}  // namespace prefiqs::engine::onednn
