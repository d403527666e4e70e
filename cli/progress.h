// How far a run is, on a terminal.
#ifndef PREFIQS_CLI_PROGRESS_H_
#define PREFIQS_CLI_PROGRESS_H_

#include <string>

#include <prefiqs/job.h>

namespace prefiqs::cli {

// "1234/6922 pictures  17.8 %  36.2/s  2:37 left". The rate leaves out what resuming skipped.
std::string FormatProgress(const JobProgress& progress);

// One line of standard error that is written over; nothing where that is not a terminal.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void Show(const JobProgress& progress);
  void Clear();

 private:
  bool terminal_;
  bool shown_ = false;
};

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_PROGRESS_H_
