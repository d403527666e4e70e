// Operators that nothing can be done about.
#ifndef PREFIQS_MODEL_REFUSED_OPERATORS_H_
#define PREFIQS_MODEL_REFUSED_OPERATORS_H_

#include <string>

namespace prefiqs::model {

// Of ONNX's own operators: their domain has two names.
bool IsDefaultDomain(const std::string& domain);

// Throws Error(kModel), without naming the node, with the way out: for operators that compute with quantised numbers,
// of ONNX Runtime's layout in blocks, and of domains that are not known.
void RefuseOperator(const std::string& domain, const std::string& op);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_REFUSED_OPERATORS_H_
