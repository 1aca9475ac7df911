mod modules;
