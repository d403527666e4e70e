// Where --save-crops keeps what the network saw.
#ifndef PREFIQS_PIPELINE_CROP_FOLDER_H_
#define PREFIQS_PIPELINE_CROP_FOLDER_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include <prefiqs/image.h>

namespace prefiqs::pipeline {

// Files are named NUMBER-FACE-STEM.png. Thread-safe.
class CropFolder {
 public:
  // Makes the folder where there is none. Throws Error(kIo).
  explicit CropFolder(std::string path);

  // Throws Error(kIo) when a crop of this picture was there already.
  void CheckFree(std::int64_t number) const;

  // `source`: the row's name. Throws Error(kIo).
  void Write(const Image& crop, std::int64_t number, int face, std::string_view source) const;

  static std::string FileName(std::int64_t number, int face, std::string_view source);

 private:
  std::string path_;
  std::set<std::int64_t> numbers_;  // of what was there
};

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_CROP_FOLDER_H_
