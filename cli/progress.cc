#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>

#include "cli/messages.h"

namespace prefiqs::cli {
namespace {

constexpr const char* kEraseLine = "\r\x1b[K";

std::string FormatDuration(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(seconds));
  const long long hours = whole / 3600, minutes = whole / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

}  // namespace

std::string FormatProgress(const JobProgress& progress) {
  std::string text = fmt::format("{}/{}", progress.done, Count(progress.total, "picture"));
  if (progress.total > 0) {
    text += fmt::format("  {:.1f} %", 100.0 * static_cast<double>(progress.done) / static_cast<double>(progress.total));
  }
  const auto here = static_cast<double>(progress.done - progress.skipped);
  if (here > 0 && progress.seconds > 0) {
    const double rate = here / progress.seconds;
    const double left = std::isfinite(progress.seconds_left)
                            ? progress.seconds_left
                            : static_cast<double>(progress.total - progress.done) / rate;
    text += fmt::format("  {:.1f}/s  {} left", rate, FormatDuration(left));
  }
  return text;
}

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::Show(const JobProgress& progress) {
  if (!terminal_) return;
  Say(fmt::format("{}{}", kEraseLine, FormatProgress(progress)));
  shown_ = true;
}

void ProgressLine::Clear() {
  if (!shown_) return;
  Say(fmt::format("{}", kEraseLine));
  shown_ = false;
}

}  // namespace prefiqs::cli
