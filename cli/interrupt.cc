#include "cli/interrupt.h"

#include <atomic>

namespace prefiqs::cli {
namespace {

std::atomic<int> noted_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "signal handlers may touch lock-free atomics only");

extern "C" void NoteSignal(int signal) { noted_signal = signal; }

}  // namespace

int Interrupted() { return noted_signal; }

InterruptGuard::InterruptGuard() {
  struct sigaction action {};
  action.sa_handler = NoteSignal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, &old_int_);
  ::sigaction(SIGTERM, &action, &old_term_);
}

InterruptGuard::~InterruptGuard() {
  ::sigaction(SIGINT, &old_int_, nullptr);
  ::sigaction(SIGTERM, &old_term_, nullptr);
}

}  // namespace prefiqs::cli
