#include "report/json_lines.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/row.h"

namespace prefiqs::report {
namespace {

constexpr std::string_view kPathBytes = "path_bytes";

std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool IsUtf8(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

std::string Latin1ToUtf8(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xc0 | (byte >> 6));
      text += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return text;
}

Error NotOurs(std::string_view why) {
  return Error(ErrorCode::kIo, fmt::format("a line is not a JSON row of ours ({})", why));
}

std::string Utf8ToLatin1(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      bytes += text[i];
    } else if ((lead == 0xc2 || lead == 0xc3) && i + 1 < text.size()) {
      bytes += static_cast<char>(((lead & 3) << 6) | (static_cast<unsigned char>(text[++i]) & 0x3f));
    } else {
      throw NotOurs("\"path_bytes\" holds a character above U+00FF");
    }
  }
  return bytes;
}

}  // namespace

std::string JsonLine(std::span<const std::string> cells) {
  std::string line = "{";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += ',';
    line += fmt::format("\"{}\":", Columns()[i].name);
    if (cells[i].empty() && i != ColumnIndex("path")) {
      line += "null";
    } else {
      line += Columns()[i].kind == CellKind::kNumber ? cells[i] : Quoted(cells[i]);
    }
  }
  const std::string& path = cells[ColumnIndex("path")];
  if (!IsUtf8(path)) line += fmt::format(",\"{}\":{}", kPathBytes, Quoted(Latin1ToUtf8(path)));
  return line + "}\n";
}

std::vector<std::string> ParseJsonLine(std::string_view line) {
  const nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
  if (!object.is_object()) throw NotOurs("not a JSON object");
  int schema = 1;
  if (const auto found = object.find("schema"); found != object.end()) {
    if (!found->is_number_integer() || *found < 1) throw NotOurs("\"schema\" is not a number from 1 up");
    schema = *found > kSchema ? kSchema + 1 : found->get<int>();
  }
  std::vector<std::string> cells;
  for (const Column& column : Columns(std::min(schema, kSchema))) {
    const auto found = object.find(column.name);
    if (found == object.end() && schema > kSchema) {
      cells.emplace_back();
      continue;
    }
    if (found == object.end()) throw NotOurs(fmt::format("no key \"{}\"", column.name));
    if (found->is_null()) {
      cells.emplace_back();
    } else if (found->is_string()) {
      cells.push_back(found->get<std::string>());
    } else {
      cells.push_back(found->dump());
    }
  }
  if (const auto bytes = object.find(kPathBytes); bytes != object.end()) {
    if (!bytes->is_string()) throw NotOurs("\"path_bytes\" is not a string");
    cells[ColumnIndex("path")] = Utf8ToLatin1(bytes->get_ref<const std::string&>());
  }
  return cells;
}

}  // namespace prefiqs::report
