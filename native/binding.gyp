{
  "target_defaults": {
    "cflags_cc": ["-std=c++20", "-O3", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra", "-fvisibility=hidden"],
    "cflags_cc!": ["-fno-exceptions", "-std=gnu++17", "-fno-rtti"],
    "include_dirs": ["."],
    "xcode_settings": {
      "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
      "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
      "GCC_OPTIMIZATION_LEVEL": "3",
      "OTHER_CPLUSPLUSFLAGS": ["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast"]
    }
  },
  "targets": [
    {
      # One source, one library per instruction set; native/core/instruction_set.cpp chooses at run time.
      "target_name": "kernels_plain",
      "type": "static_library",
      "sources": ["<!@(node -p \"require('fs').readdirSync('kernels').filter(f => f.endsWith('.cpp')).map(f => 'kernels/' + f).join(' ')\")"],
      "cflags_cc": ["-fPIC", "-ffp-contract=fast"]
    },
    {
      "target_name": "core",
      "type": "static_library",
      "dependencies": ["kernels_plain"],
      "sources": [
        "<!@(node -p \"require('fs').readdirSync('core').filter(f => f.endsWith('.cpp')).map(f => 'core/' + f).join(' ')\")"
      ],
      "cflags_cc": ["-fPIC"],
      "conditions": [["target_arch=='x64'", { "dependencies": ["kernels_avx2", "kernels_avx512", "kernels_avx512bf16"] }]]
    },
    {
      # Facts about the core in C++; test/native/core.test.ts runs it.
      "target_name": "core_tests",
      "type": "executable",
      "dependencies": ["core"],
      "sources": [
        "<!@(node -p \"require('fs').readdirSync('test').filter(f => f.endsWith('.cpp')).map(f => 'test/' + f).join(' ')\")"
      ],
      "conditions": [["OS=='linux'", { "libraries": ["-lpthread"] }]]
    },
    {
      "target_name": "brightcell",
      "dependencies": ["core"],
      "sources": [
        "<!@(node -p \"require('fs').readdirSync('bindings').filter(f => f.endsWith('.cc')).map(f => 'bindings/' + f).join(' ')\")"
      ],
      "include_dirs": ["<!@(node -p \"require('node-addon-api').include\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS"]
    }
  ],
  "conditions": [
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "kernels_avx2",
          "type": "static_library",
          "sources": ["<!@(node -p \"require('fs').readdirSync('kernels').filter(f => f.endsWith('.cpp')).map(f => 'kernels/' + f).join(' ')\")"],
          "cflags_cc": ["-fPIC", "-ffp-contract=fast", "-mavx2", "-mfma"],
          "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-mavx2", "-mfma"] }
        },
        {
          "target_name": "kernels_avx512",
          "type": "static_library",
          "sources": ["<!@(node -p \"require('fs').readdirSync('kernels').filter(f => f.endsWith('.cpp')).map(f => 'kernels/' + f).join(' ')\")"],
          "cflags_cc": ["-fPIC", "-ffp-contract=fast", "-mavx2", "-mfma", "-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq"],
          "xcode_settings": {
            "OTHER_CPLUSPLUSFLAGS": ["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-mavx2", "-mfma", "-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq"]
          }
        },
        {
          "target_name": "kernels_avx512bf16",
          "type": "static_library",
          "sources": ["<!@(node -p \"require('fs').readdirSync('kernels').filter(f => f.endsWith('.cpp')).map(f => 'kernels/' + f).join(' ')\")"],
          "cflags_cc": ["-fPIC", "-ffp-contract=fast", "-mavx2", "-mfma", "-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512bf16"],
          "xcode_settings": {
            "OTHER_CPLUSPLUSFLAGS": ["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-mavx2", "-mfma", "-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512bf16"]
          }
        }
      ]
    }]
  ]
}
