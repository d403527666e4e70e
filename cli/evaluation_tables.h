// What `prefiqs evaluate` prints.
#ifndef PREFIQS_CLI_EVALUATION_TABLES_H_
#define PREFIQS_CLI_EVALUATION_TABLES_H_

#include <span>
#include <string>
#include <vector>

#include <prefiqs/evaluation.h>

#include "cli/table.h"

namespace prefiqs::cli {

// What was compared, in lines. thing: "image" or "template".
std::string DescribeComparisons(const EvaluationReport& report, const char* thing);

void PrintErrorRates(const EvaluationReport& report, TableForm form);
void PrintAreas(const EvaluationReport& report, TableForm form);
// Or why there is none.
void PrintHarm(const EvaluationReport& report, TableForm form);

// Areas averaged over several verifying networks, as papers print them. Nothing where there are none.
void PrintMeanAreas(const EvaluationMean& mean, std::size_t networks, TableForm form);

// Of several data sets, and why one of them does not count.
void PrintSetsMean(const EvaluationSetsMean& mean, TableForm form);

// All of it as one table for programs: a line for each network, protocol, rate and method, then those of the mean.
// networks: what each report's network is called.
void PrintCsv(std::span<const EvaluationReport> reports, const std::vector<std::string>& networks,
              const EvaluationMean& mean);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_EVALUATION_TABLES_H_
