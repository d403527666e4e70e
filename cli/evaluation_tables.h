// What `prefiqs evaluate` prints.
#ifndef PREFIQS_CLI_EVALUATION_TABLES_H_
#define PREFIQS_CLI_EVALUATION_TABLES_H_

#include <span>

#include <prefiqs/evaluation.h>

#include "cli/table.h"

namespace prefiqs::cli {

// things: what is compared, such as "images".
void PrintErrorRates(const EvaluationReport& report, const char* things, TableForm form);
void PrintAreas(const EvaluationReport& report, TableForm form);
void PrintHarm(const EvaluationReport& report, TableForm form);

// Areas averaged over several verifying networks, as papers print them: of methods that all have. Nothing where there
// are none.
void PrintMeanAreas(std::span<const EvaluationReport> reports, TableForm form);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_EVALUATION_TABLES_H_
