// Rows, and runs that write them.
#ifndef PREFIQS_REPORT_ROWS_FOR_TEST_H_
#define PREFIQS_REPORT_ROWS_FOR_TEST_H_

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "report/row_writer.h"

namespace prefiqs::report {

inline RunInfo SomeRun(std::string network = "net", std::string recipe = "recipe") {
  return {"drift", std::move(recipe), "0.4", std::move(network), "fp32", "isa", "1", "rgb:0:1", "aligned"};
}

inline Row MakeRow(const std::string& path, int face) {
  Row row{path, face, {}};
  if (face >= 0) {
    row.assessment.status = face == 1 ? Status::kFaceTooSmall : Status::kOk;
    row.assessment.embedding = {static_cast<float>(face), static_cast<float>(path.size())};
    row.assessment.embedding_norm = std::hypot(row.assessment.embedding[0], row.assessment.embedding[1]);
  }
  return row;
}

// Pictures with awkward names and different numbers of faces.
inline std::vector<std::vector<Row>> Pictures(bool several) {
  std::vector<std::vector<Row>> pictures;
  for (int i = 0; i < 12; ++i) {
    const std::string path = "p" + std::to_string(i / 2) + (i % 3 == 0 ? "\n,\"" : "\xff");  // some twice
    pictures.emplace_back();
    if (i % 4 == 3) pictures.back().push_back(MakeRow(path, -1));
    for (int face = 0; face < (several ? i % 4 : (i % 4 == 3 ? 0 : 1)); ++face) {
      if (i % 4 != 3) pictures.back().push_back(MakeRow(path, face));
    }
    if (pictures.back().empty()) pictures.back().push_back(MakeRow(path, -1));
  }
  return pictures;
}

// Adds up what the writer found and what was appended.
inline JobSummary WriteAll(const RowWriterOptions& options, const std::vector<std::vector<Row>>& pictures) {
  RowWriter writer(options, SomeRun(), 2);
  JobSummary summary = writer.earlier();
  for (const auto& rows : pictures) {
    if (writer.TakeFinished(rows[0].path)) continue;
    writer.Append(rows);
    ++summary.pictures;
    for (const Row& row : rows) {
      summary.faces += row.face >= 0 ? 1 : 0;
      ++(row.assessment.status == Status::kOk ? summary.scored : summary.failed);
    }
  }
  writer.Finish();
  return summary;
}

inline ErrorCode CodeOf(const std::function<void()>& act, std::string* message = nullptr) {
  try {
    act();
  } catch (const Error& e) {
    if (message != nullptr) *message = e.what();
    return e.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::kInternal;
}

}  // namespace prefiqs::report

#endif  // PREFIQS_REPORT_ROWS_FOR_TEST_H_
