// What `prefiqs sweep` prints.
#ifndef PREFIQS_CLI_SWEEP_TABLES_H_
#define PREFIQS_CLI_SWEEP_TABLES_H_

#include <limits>
#include <string>
#include <vector>

#include <prefiqs/evaluation.h>
#include <prefiqs/job.h>

#include "cli/table.h"

namespace prefiqs::cli {

// What is shown of one recipe, or of the whole network; NaN: nothing.
struct SweepLine {
  double sparsity = 0, drift = std::numeric_limits<double>::quiet_NaN(),
         accuracy = std::numeric_limits<double>::quiet_NaN(), fnmr = std::numeric_limits<double>::quiet_NaN();
  EvaluationArea by_drift, by_norm, by_jvp;
};

struct SweepLines {
  SweepLine whole;  // by_norm: of its embedding's norm
  EvaluationArea random;
  std::vector<SweepLine> recipes;  // of the result's runs
};

struct SweepTable {
  const SweepResult& result;
  const SweepLines& lines;
  std::string protocol;
  double fmr = 0;
  bool jvp = false, mirrored = false;  // mirrored: protocol A had the mirrored pictures' embeddings
};

// The table, after a line that says what it is of: on standard error where the form is CSV, which programs want alone.
// That has no units, plain numbers, and names that do not repeat; a cell is empty where there is no number.
void PrintSweep(const SweepTable& table, TableForm form);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_SWEEP_TABLES_H_
