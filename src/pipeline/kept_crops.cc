#include "pipeline/kept_crops.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "engine/engine_name.h"
#include "face/selection.h"
#include "pipeline/software.h"

namespace prefiqs::pipeline {
namespace {

constexpr std::string_view kFirstLine = "prefiqs kept crops 1";
constexpr std::string_view kAnyFirstLine = "prefiqs kept crops ";
constexpr std::size_t kMaxStartBytes = std::size_t{1} << 16;

std::string StartOf(std::span<const MadeWith> made_with) {
  std::string text(kFirstLine);
  text += '\n';
  for (const MadeWith& one : made_with) text += fmt::format("{}: {}\n", one.name, Printable(one.value));
  return text + '\n';
}

// The value of a line that StartOf() wrote; empty where there is none.
std::string_view ValueIn(std::string_view start, std::string_view name) {
  const std::string key = fmt::format("\n{}: ", name);
  const std::size_t at = start.find(key);
  if (at == std::string_view::npos) return {};
  start.remove_prefix(at + key.size());
  return start.substr(0, start.find('\n'));
}

struct Difference {
  std::string text;  // "detector A, this run has B"; empty: none
  bool software = true;
};

// The first that matters most.
Difference Compare(std::string_view start, std::span<const MadeWith> made_with) {
  Difference difference;
  for (const MadeWith& one : made_with) {
    const std::string_view there = ValueIn(start, one.name);
    const std::string here = Printable(one.value);
    if (there == here) continue;
    if (difference.text.empty() || (difference.software && !one.software)) {
      difference = {fmt::format("{} {}, this run has {}", one.name, there.empty() ? "none" : Printable(there), here),
                    one.software};
    }
  }
  return difference;
}

}  // namespace

std::vector<MadeWith> MadeWithOf(const CropShape& shape, const FaceOptions& faces) {
  report::RunInfo software;
  NameSoftware(ExecutorKind::kOneDnn, software);
  std::vector<MadeWith> made{
      {"crop", fmt::format("{}x{} {}", shape.width, shape.height, info(shape.crop_template).name), false},
      {"detector",
       faces.detector != nullptr    ? faces.detector->content_hash()
       : faces.landmarks != nullptr ? fmt::format("{}{}", report::kLandmarks, faces.landmarks->content_hash())
                                    : std::string(report::kAligned),
       false}};
  if (faces.detector != nullptr || faces.landmarks != nullptr) {
    made.push_back({"faces", std::string(info(faces.selection).name), false});
    made.push_back({"smallest face", fmt::format("{}", faces.min_face), false});
    made.push_back({"most faces", faces.max_faces > 0 ? fmt::format("{}", faces.max_faces) : "any number", false});
  }
  if (faces.detector != nullptr) {
    std::string search(info(faces.search).name);
    if (faces.turn) search += report::kTurnToo;
    made.push_back({"search", search, false});
    made.push_back({"engine", software.engine, true});
    made.push_back({"instruction set", engine::OneDnnInstructionSet(), true});
  }
  made.push_back({"image libraries", software.image_libraries, true});
  made.push_back({"version", software.version, true});
  return made;
}

std::string KeptCrops::FileName(const CropShape& shape) {
  return fmt::format("crops-{}x{}-{}.bin", shape.width, shape.height, info(shape.crop_template).name);
}

KeptCrops::KeptCrops(const KeptCropsOptions& options, const std::string& path, bool exists) : shape_(options.shape) {
  if (options.keep) {
    output_ = std::make_unique<report::OutputFile>(path, exists ? report::OpenMode::kContinue : report::OpenMode::kNew,
                                                   options.without_lock);
    return;
  }
  try {
    input_ = RegularFile::Open(path);
  } catch (const Error& error) {
    throw Error(ErrorCode::kIo, fmt::format("{}: {}", Printable(path), error.what()));
  }
  if (!input_) throw Error(ErrorCode::kIo, fmt::format("{}: is no regular file", Printable(path)));
}

std::unique_ptr<KeptCrops> KeptCrops::Open(const KeptCropsOptions& options) {
  const std::string path = options.folder + "/" + FileName(options.shape);
  std::error_code ignored;
  const bool exists = std::filesystem::exists(path, ignored);
  if (!options.keep && !exists) return nullptr;
  std::unique_ptr<KeptCrops> kept(new KeptCrops(options, path, exists));
  const auto begin_anew = [&] {
    kept->output_->Truncate(0);
    kept->output_->Append(StartOf(options.made_with));
  };
  const auto warn = [&](const std::string& text) {
    if (options.on_warning) options.on_warning(text);
  };

  const std::optional<std::string> start = kept->ReadStart(path);
  if (!start) {
    if (!options.keep) return nullptr;
    begin_anew();
    return kept;
  }
  if (const Difference difference = Compare(*start, options.made_with); !difference.text.empty()) {
    const std::string made = fmt::format("its crops were made with {}", difference.text);
    if (!options.keep) {
      warn(fmt::format("{} is not used: {}", Printable(path), made));
      return nullptr;
    }
    if (!difference.software) {
      throw Error(ErrorCode::kUsage, fmt::format("{}: cannot be continued: {}; use the same, name another folder, or "
                                                 "remove the file",
                                                 Printable(path), made));
    }
    warn(fmt::format("{} is begun anew: {}", Printable(path), made));
    begin_anew();
    return kept;
  }
  const std::int64_t whole = kept->Scan(static_cast<std::int64_t>(start->size()));
  if (whole < kept->size()) {
    warn(fmt::format("{}: what follows byte {} is not whole, as after an interruption, and is not used{}",
                     Printable(path), whole, options.keep ? ": it is cut off" : ""));
    if (options.keep) kept->output_->Truncate(whole);
  }
  return kept;
}

std::optional<std::string> KeptCrops::ReadStart(const std::string& path) const {
  std::string start(kMaxStartBytes, 0);
  start.resize(Read(0, {reinterpret_cast<std::uint8_t*>(start.data()), start.size()}));
  const std::size_t end = start.find("\n\n");
  const bool begins_right = start.starts_with(kAnyFirstLine.substr(0, start.size()));
  if (!begins_right || (end == std::string::npos && start.size() == kMaxStartBytes)) {
    throw Error(ErrorCode::kIo,
                fmt::format("{}: is no file of kept crops: move it away, or name another folder", Printable(path)));
  }
  if (end == std::string::npos) return std::nullopt;
  start.resize(end + 2);
  const std::string first_line = start.substr(0, start.find('\n'));
  if (first_line != kFirstLine) {
    throw Error(ErrorCode::kIo,
                fmt::format("{}: is of another version of prefiqs ({}): remove it, or name another folder",
                            Printable(path), Printable(first_line)));
  }
  return start;
}

std::int64_t KeptCrops::size() const { return output_ ? output_->size() : input_->size(); }

std::size_t KeptCrops::Read(std::int64_t offset, std::span<std::uint8_t> bytes) const {
  try {
    if (output_) return output_->ReadAt(offset, {reinterpret_cast<char*>(bytes.data()), bytes.size()});
    if (offset > input_->size()) return 0;
    bytes = bytes.first(std::min(bytes.size(), static_cast<std::size_t>(input_->size() - offset)));
    input_->Read(offset, bytes);
    return bytes.size();
  } catch (const Error&) {  // the pictures are there to be looked at
    return 0;
  }
}

std::int64_t KeptCrops::Scan(std::int64_t offset) {
  std::vector<std::uint8_t> bytes;
  for (;;) {
    bytes.resize(kRecordStart);
    if (Read(offset, bytes) < bytes.size()) return offset;
    const std::optional<RecordStart> start = ParseRecordStart(bytes);
    if (!start) return offset;
    const std::int64_t end = offset + static_cast<std::int64_t>(kRecordStart + start->head + start->pixels);
    if (end > size()) return offset;
    bytes.resize(start->head);
    if (Read(offset + static_cast<std::int64_t>(kRecordStart), bytes) < bytes.size()) return offset;
    std::optional<RecordHead> head = ParseRecordHead(*start, bytes, shape_);
    if (!head) return offset;
    records_[std::move(head->name)] = {offset, *start, head->stamp};
    offset = end;
  }
}

std::optional<std::vector<FaceCandidate>> KeptCrops::Find(const std::string& name, const PictureStamp& stamp) const {
  const auto found = records_.find(name);
  if (found == records_.end()) return std::nullopt;
  const Place& place = found->second;
  if (place.stamp != stamp) {
    ++changed_;
    return std::nullopt;
  }
  std::vector<std::uint8_t> bytes(place.start.head + place.start.pixels);
  const std::size_t read = Read(place.offset + static_cast<std::int64_t>(kRecordStart), bytes);
  const std::span<const std::uint8_t> all(bytes.data(), read);
  std::optional<std::vector<FaceCandidate>> faces;
  if (read == bytes.size()) {
    std::optional<RecordHead> head = ParseRecordHead(place.start, all.first(place.start.head), shape_);
    if (head) faces = ParseRecordPixels(place.start, *std::move(head), all.subspan(place.start.head), shape_);
  }
  ++(faces ? used_ : damaged_);
  return faces;
}

void KeptCrops::Finish() {
  if (output_) output_->Finish();
}

}  // namespace prefiqs::pipeline
