// What software a row was made with.
#ifndef PREFIQS_PIPELINE_SOFTWARE_H_
#define PREFIQS_PIPELINE_SOFTWARE_H_

#include <prefiqs/network.h>

#include "report/row.h"

namespace prefiqs::pipeline {

// Sets the run's version, engine and image libraries.
void NameSoftware(ExecutorKind executor, report::RunInfo& run);

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_SOFTWARE_H_
