// How an assessment says what is wrong.
#ifndef PREFIQS_PIPELINE_REFUSE_H_
#define PREFIQS_PIPELINE_REFUSE_H_

#include <string>
#include <utility>

#include <prefiqs/assessor.h>

namespace prefiqs::pipeline {

// What was noticed about the picture before stays behind the cause.
inline void AddDetail(std::string cause, Assessment& assessment) {
  if (!assessment.detail.empty()) cause += (cause.empty() ? "" : "; ") + assessment.detail;
  assessment.detail = std::move(cause);
}

inline void Refuse(Status status, std::string cause, Assessment& assessment) {
  assessment.status = status;
  AddDetail(std::move(cause), assessment);
}

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_REFUSE_H_
