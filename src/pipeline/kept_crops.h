// Looks at pictures that are kept in a file, so that a later run continues from the crops.
#ifndef PREFIQS_PIPELINE_KEPT_CROPS_H_
#define PREFIQS_PIPELINE_KEPT_CROPS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <prefiqs/job.h>

#include "base/file.h"
#include "input/source.h"
#include "pipeline/crop_record.h"
#include "pipeline/faces.h"
#include "report/output_file.h"

namespace prefiqs::pipeline {

// What the crops of a file depend on besides the pictures.
struct MadeWith {
  std::string name, value;  // for people
  bool software;            // false: a choice of who ran it
};
// Of a run over pictures, for crops of that shape. `faces` as Pass::Faces() says.
std::vector<MadeWith> MadeWithOf(const CropShape& shape, const FaceOptions& faces);

struct KeptCropsOptions {
  std::string folder;
  CropShape shape;
  std::vector<MadeWith> made_with;
  bool keep = false;  // false: what is there is used, and nothing is written
  bool without_lock = false;
  std::function<void(const std::string&)> on_warning{};
};

// The file is FOLDER/crops-WIDTHxHEIGHT-TEMPLATE.bin. It begins with lines of text: "prefiqs kept crops 1", one line
// for each MadeWith, and an empty one. Records follow (crop_record.h). They are only ever added, whole, and a record
// that is cut off or damaged is not used; of two of the same picture the later one counts.
class KeptCrops {
 public:
  static std::string FileName(const CropShape& shape);

  // Null where there is nothing to use and nothing to keep. A file whose crops were made in another way is not used:
  // with `keep`, other choices are refused (Error(kUsage)) and a file of other software is begun anew; without, both
  // are said. Throws Error(kIo) for a file that cannot be opened or is none of these.
  static std::unique_ptr<KeptCrops> Open(const KeptCropsOptions& options);

  bool keeps() const { return output_ != nullptr; }
  // Whether there is a look at a picture of this name; whether it can be used, Find() says.
  bool Has(const std::string& name) const { return records_.contains(name); }

  // What FindFaces gave, where the picture's file is as it was. Counts what is not used. Thread-safe.
  std::optional<std::vector<FaceCandidate>> Find(const std::string& name, const PictureStamp& stamp) const;
  std::int64_t used() const { return used_; }
  std::int64_t changed() const { return changed_; }  // pictures whose file is another one
  std::int64_t damaged() const { return damaged_; }

  // Whole records, one call at a time. Require keeps().
  void Append(std::string_view records) { output_->Append(records); }
  void Finish();

 private:
  struct Place {
    std::int64_t offset = 0;
    RecordStart start;
    PictureStamp stamp;
  };

  KeptCrops(const KeptCropsOptions& options, const std::string& path, bool exists);  // opens the file
  // The lines before the records, with the empty one; none where the file ends in them, as where its writer was stopped
  // in the first instant. Throws Error(kIo) for another file.
  std::optional<std::string> ReadStart(const std::string& path) const;
  // As many of the bytes as there are; none where the file cannot be read.
  std::size_t Read(std::int64_t offset, std::span<std::uint8_t> bytes) const;
  std::int64_t size() const;
  // Fills records_. Returns where the last whole record ends.
  std::int64_t Scan(std::int64_t offset);

  const CropShape shape_;
  std::unique_ptr<report::OutputFile> output_;  // where crops are kept
  std::unique_ptr<const RegularFile> input_;    // else
  std::unordered_map<std::string, Place> records_;
  mutable std::atomic<std::int64_t> used_{0}, changed_{0}, damaged_{0};
};

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_KEPT_CROPS_H_
