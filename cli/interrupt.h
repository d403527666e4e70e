// Ctrl-C as a wish, not an end.
#ifndef PREFIQS_CLI_INTERRUPT_H_
#define PREFIQS_CLI_INTERRUPT_H_

#include <csignal>

namespace prefiqs::cli {

// The signal (SIGINT or SIGTERM) that came while a guard was there; 0 if none.
int Interrupted();

// While it lives the first SIGINT or SIGTERM is only noted; a second one ends the program at once.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_INTERRUPT_H_
