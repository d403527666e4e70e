// Signals that ask the program to stop, and the exit statuses they lead to.
#ifndef PREFIQS_CLI_INTERRUPT_H_
#define PREFIQS_CLI_INTERRUPT_H_

#include <csignal>

namespace prefiqs::cli {

// Call once, before the first command. A SIGTERM that no InterruptGuard notes ends the program at once with its status
// below and a line on standard error; an unnoted SIGINT keeps its usual action, which shells report as 130.
void EndOnSignals();

// The signal (SIGINT or SIGTERM) that came while a guard was there; 0 if none.
int Interrupted();

// The exit status after that signal: 130 for SIGINT (somebody stopped it), 75 for SIGTERM (the machine is wanted back:
// run the same command again; 75 is EX_TEMPFAIL). Requires Interrupted() != 0.
int InterruptedStatus();

// While it lives the first SIGINT or SIGTERM is only noted; a second one of the same kind ends the program at once.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
};

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_INTERRUPT_H_
