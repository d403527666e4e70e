// Occlusion sensitivity of a crop's quality.
#ifndef PREFIQS_DEMO_EXPLAIN_H_
#define PREFIQS_DEMO_EXPLAIN_H_

#include <prefiqs/demo.h>

namespace prefiqs::demo {

// Fills patches and change of an explanation whose crop and quality are there. `assessor` takes crops (no detector).
void Map(const Assessor& assessor, const ExplainOptions& options, Explanation& explanation);

// Throws Error(kUsage).
void Check(const ExplainOptions& options);

}  // namespace prefiqs::demo

#endif  // PREFIQS_DEMO_EXPLAIN_H_
