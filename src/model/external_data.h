// Tensor data that lies in files beside the network.
#ifndef PREFIQS_MODEL_EXTERNAL_DATA_H_
#define PREFIQS_MODEL_EXTERNAL_DATA_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"

namespace prefiqs::model {

// Opens files of one folder or below it, each once. A location that is absolute, has "..", leaves the folder through a
// symbolic link or is no regular file throws Error(kModel); what cannot be read throws Error(kIo).
class ExternalData {
 public:
  // Empty `folder`: there is none, and every location is refused.
  explicit ExternalData(std::string folder);
  ~ExternalData();
  ExternalData(const ExternalData&) = delete;
  ExternalData& operator=(const ExternalData&) = delete;

  // Bytes [offset, offset + length) of the file; length < 0: to its end. The range is checked before memory is asked
  // for.
  std::vector<std::uint8_t> Read(const std::string& location, std::int64_t offset, std::int64_t length);

  // Adds the whole of every file read from, in the order of their names.
  void AddTo(ContentHash& hash) const;

 private:
  struct File;
  const File& Open(const std::string& location);

  std::string folder_;
  std::map<std::string, std::unique_ptr<File>> files_;  // by normalised location
};

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_EXTERNAL_DATA_H_
