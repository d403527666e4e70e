// Tensor data that lies in files beside the network.
#ifndef PREFIQS_MODEL_EXTERNAL_DATA_H_
#define PREFIQS_MODEL_EXTERNAL_DATA_H_

#include <map>
#include <memory>
#include <string>

#include "base/hash.h"
#include "model/byte_source.h"

namespace prefiqs::model {

class ExternalData {
 public:
  // Empty `folder`: there is none, and every location is refused.
  explicit ExternalData(std::string folder) : folder_(std::move(folder)) {}

  // A file of the folder or below it; opened once. Throws Error(kModel) for a location that is absolute, has "..",
  // leaves the folder through a symbolic link or is no regular file, Error(kIo) where it cannot be opened.
  const ByteSource& Open(const std::string& location);

  // Adds the whole of every file that was opened, in the order of their names.
  void AddTo(ContentHash& hash) const;

 private:
  std::string folder_;
  std::map<std::string, std::shared_ptr<const ByteSource>> files_;  // by normalised location
};

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_EXTERNAL_DATA_H_
