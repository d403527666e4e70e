// How many weights of a file are denormal numbers.
#ifndef PREFIQS_MODEL_DENORMAL_COUNT_H_
#define PREFIQS_MODEL_DENORMAL_COUNT_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "model/byte_source.h"

namespace prefiqs::model {

// Weights that stay in the file are not looked at on reading, which would double what reading costs: they are counted
// when somebody asks.
class DenormalCount {
 public:
  void Add(std::int64_t denormals) { here_ += denormals; }
  // `elements` float32 numbers of `file` from byte `offset` on.
  void AddPlace(std::shared_ptr<const FileSource> file, std::int64_t offset, std::int64_t elements) {
    places_.push_back({std::move(file), offset, elements});
  }
  // Throws Error(kIo) as FileSource::ReadLater does.
  std::int64_t Count() const;

 private:
  struct Place {
    std::shared_ptr<const FileSource> file;
    std::int64_t offset = 0, elements = 0;
  };
  std::int64_t here_ = 0;
  std::vector<Place> places_;
};

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_DENORMAL_COUNT_H_
