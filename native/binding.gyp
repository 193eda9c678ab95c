{
  "target_defaults": {
    "cflags_cc": ["-std=c++20", "-O3", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra", "-fvisibility=hidden"],
    "cflags_cc!": ["-fno-exceptions", "-std=gnu++17", "-fno-rtti"],
    "xcode_settings": {
      "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
      "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
      "GCC_OPTIMIZATION_LEVEL": "3"
    }
  },
  "targets": [
    {
      "target_name": "brightcell",
      "sources": [
        "<!@(node -p \"require('fs').readdirSync('core').filter(f => f.endsWith('.cpp')).map(f => 'core/' + f).join(' ')\")",
        "<!@(node -p \"require('fs').readdirSync('bindings').filter(f => f.endsWith('.cc')).map(f => 'bindings/' + f).join(' ')\")"
      ],
      "include_dirs": [".", "<!@(node -p \"require('node-addon-api').include\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS"]
    }
  ]
}
