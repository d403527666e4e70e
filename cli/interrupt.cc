#include "cli/interrupt.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <string_view>

namespace prefiqs::cli {
namespace {

struct Stop {
  int signal;
  int exit_status;
  void (*unnoted)(int);  // what it does where no guard notes it
};

extern "C" void EndAtOnce(int signal);

constexpr int kTemporaryFailure = 75;

// The only table of its kind.
constexpr std::array<Stop, 2> kStops{{{SIGINT, 128 + SIGINT, SIG_DFL}, {SIGTERM, kTemporaryFailure, EndAtOnce}}};

int StatusOf(int signal) {
  for (const Stop& stop : kStops) {
    if (stop.signal == signal) return stop.exit_status;
  }
  return 128 + signal;
}

// Async-signal-safe, as all that the handlers call.
void SetAction(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

std::atomic<int> noted_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "signal handlers may touch lock-free atomics only");

extern "C" void EndAtOnce(int signal) {
  constexpr std::string_view kText = "prefiqs: terminated; run the same command again, with --resume if it has rows\n";
  (void)!::write(STDERR_FILENO, kText.data(), kText.size());
  ::_exit(StatusOf(signal));
}

extern "C" void NoteSignal(int signal) {
  noted_signal = signal;
  for (const Stop& stop : kStops) {
    if (stop.signal == signal) SetAction(signal, stop.unnoted);
  }
}

}  // namespace

void EndOnSignals() {
  for (const Stop& stop : kStops) {
    if (stop.unnoted != SIG_DFL) SetAction(stop.signal, stop.unnoted);
  }
}

int Interrupted() { return noted_signal; }

int InterruptedStatus() { return StatusOf(noted_signal); }

InterruptGuard::InterruptGuard() {
  for (const Stop& stop : kStops) SetAction(stop.signal, NoteSignal);
}

InterruptGuard::~InterruptGuard() {
  for (const Stop& stop : kStops) SetAction(stop.signal, stop.unnoted);
}

}  // namespace prefiqs::cli
