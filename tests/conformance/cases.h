// What make_cases.py wrote: networks of one operator, their inputs, and what must come out.
#ifndef PREFIQS_TESTS_CONFORMANCE_CASES_H_
#define PREFIQS_TESTS_CONFORMANCE_CASES_H_

#include <string>
#include <utility>
#include <vector>

#include "graph/tensor.h"

namespace prefiqs::conformance {

// How the test's inputs are divided into inputs and initialisers; make_cases.py says which there are.
struct Form {
  std::string name;
  std::string model;  // path
  std::vector<std::pair<std::string, graph::Tensor>> inputs;
};

struct Case {
  std::string name;
  std::string source;                  // "onnx": a node test of ONNX's own; "prefiqs": of this project
  std::vector<std::string> operators;  // sorted
  bool has_data = false;               // false: holds a type that prefiqs has no tensors of, so it can only be refused
  bool half = false;                   // 16-bit floats go in or out
  std::vector<graph::Tensor> outputs;
  std::vector<Form> forms;
};

// Throws std::runtime_error.
std::vector<Case> LoadCases(const std::string& folder);
// Of the python3-onnx that the cases are of.
std::string ReadOnnxVersion(const std::string& folder);

}  // namespace prefiqs::conformance

#endif  // PREFIQS_TESTS_CONFORMANCE_CASES_H_
